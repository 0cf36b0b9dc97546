// What people type and read: sizes, durations, specifications of mirrors and recordings.
using Tapline.Mirror.Kernel;
using Tapline.Server.Commands;
using Xunit;

namespace Tapline.Tests.Commands;

public class WordsTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("1500", 1500)]
    [InlineData("64k", 65536)]
    [InlineData("1.5 GiB", 1610612736)]
    [InlineData("2G", 2147483648)]
    [InlineData("10MB", 10485760)]
    [InlineData("3 b", 3)]
    public void SizesAreRead(string text, long expected)
    {
        Assert.True(Quantity.TryParseBytes(text, out var bytes));
        Assert.Equal(expected, bytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("G")]
    [InlineData("-1")]
    [InlineData("1X")]
    [InlineData("1Gx")]
    [InlineData("1..2")]
    [InlineData("99999999999P")]
    [InlineData("1e9")]
    public void WhatIsNoSizeIsRefused(string text) => Assert.False(Quantity.TryParseBytes(text, out _));

    [Fact]
    public void FiguresForPeople()
    {
        Assert.Equal("999 B", Quantity.Bytes(999));
        Assert.Equal("1.05 GB", Quantity.Bytes(1_047_187_128));
        Assert.Equal("12.3 kB", Quantity.Bytes(12_345));
        Assert.Equal("9 min 24 s", Quantity.Duration(TimeSpan.FromSeconds(564.6)));
        Assert.Equal("1.5 ms", Quantity.Duration(TimeSpan.FromMilliseconds(1.5)));
        Assert.Equal("25 h 1 min", Quantity.Duration(TimeSpan.FromMinutes(1501)));
        Assert.Equal("9.40 Gbit/s", Quantity.BitsPerSecond(9.4e9));
    }

    [Fact]
    public void ProgressTellsWhatIsKnown()
    {
        Assert.Equal("1,000 frames  2.00 MB  25 %  3 s left", ProgressLine.Text(1000, 2_000_000, 8_000_000, TimeSpan.FromSeconds(1)));
        Assert.Equal("1,000 frames  2.00 MB", ProgressLine.Text(1000, 2_000_000, 0, TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void AMirrorSpecificationHasATargetAndParts()
    {
        var plan = EngineOrders.Mirror("nic:eth2;from=vnet0,vnet1;filter=tcp port 80 and host 10.0.0.1;slice=128", 2, out var mistake);
        Assert.Null(mistake);
        Assert.Equal("m2", plan!.Session);
        Assert.Equal("nic:eth2", plan.To);
        Assert.Equal(["vnet0", "vnet1"], plan.From);
        Assert.Equal("tcp port 80 and host 10.0.0.1", plan.Filter);
        Assert.Equal((MirrorMode.Auto, "slice=128"), (plan.Mode, plan.Shape));
        plan = EngineOrders.Mirror("nic:eth2;mode=kernel;sample=10", 1, out _);
        Assert.Equal((MirrorMode.Kernel, "sample=10"), (plan!.Mode, plan.Shape));
    }

    [Theory]
    [InlineData("nic:eth2;colour=red")]
    [InlineData("nic:eth2;mode=fast")]
    [InlineData("nic:eth2;mode=0")]
    public void AWrongMirrorSpecificationIsASentence(string text)
    {
        Assert.Null(EngineOrders.Mirror(text, 1, out var mistake));
        Assert.Contains("--mirror", mistake, StringComparison.Ordinal);
    }

    [Fact]
    public void ARecordSpecificationHasAFolderAndParts()
    {
        var plan = EngineOrders.Record("/var/rec;budget=10G;filter=not port 22", out _)!;
        Assert.Equal(("/var/rec", 10L << 30, "not port 22"), (plan.Folder, plan.BudgetBytes, plan.Filter));
        Assert.Null(EngineOrders.Record(";budget=1G", out _));
        Assert.Null(EngineOrders.Record("/x;budget=much", out _));
    }
}
