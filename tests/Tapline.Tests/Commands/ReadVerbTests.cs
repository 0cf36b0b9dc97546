// `tapline read` as a process: exit codes, what goes to which stream, standard input, a reader that goes away.
using System.Diagnostics;
using System.Text.Json;
using Tapline.Tests.Server.Support;
using Tapline.Tests.Support;
using Tapline.Tests.Workers;
using Xunit;

namespace Tapline.Tests.Commands;

public class ReadVerbTests
{
    [Fact]
    public void ASummaryIsOneObjectWithTheContractsFields()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["t.pcap"], TraceMaker.File(TraceMaker.Frames(1, 2000)));
        var (code, output, error) = Run(null, "read", folder["t.pcap"], "--json");
        Assert.Equal(0, code);
        Assert.Equal("", error);
        using var json = JsonDocument.Parse(output);
        foreach (var name in (string[])[
            "files", "frames", "bytes", "first", "last", "duration_ns", "points", "protocols", "apps", "flows", "top_talkers",
            "undecodable", "cut_frames", "ledger"])
        {
            Assert.True(json.RootElement.TryGetProperty(name, out _), name);
        }

        Assert.Equal(2000, json.RootElement.GetProperty("frames").GetInt64());
    }

    [Fact]
    public void ACorruptFileGivesItsFramesThenOneErrorWithTheOffsetAndExitCodeOne()
    {
        using var folder = new TemporaryFolder();
        var bytes = TraceMaker.File(TraceMaker.Frames(1, 100));
        File.WriteAllBytes(folder["t.pcap"], bytes[..^3]);
        var (code, output, error) = Run(null, "read", folder["t.pcap"], "--json");
        Assert.Equal(1, code);
        Assert.Contains("\"frames\":99,", output, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd().Split('\n'));
        Assert.Contains("byte ", error, StringComparison.Ordinal);
    }

    [Fact]
    public void StandardInputIsReadAndFlowsAreOneObjectALine()
    {
        var bytes = TraceMaker.File(TraceMaker.Frames(4, 3000));
        var (code, output, error) = Run(bytes, "read", "-", "--what", "flows", "--json");
        Assert.Equal(0, code);
        Assert.Equal("", error);
        var lines = output.TrimEnd().Split('\n');
        Assert.True(lines.Length > 100);
        for (var i = 0; i < lines.Length; i++)
        {
            using var flow = JsonDocument.Parse(lines[i]);
            Assert.Equal(i + 1, int.Parse(flow.RootElement.GetProperty("flow_id").GetString()!));
        }
    }

    [Fact]
    public void AnInventoryNamesBothEndsOfEachFlow()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["t.pcap"], TraceMaker.File(TraceMaker.Frames(4, 3000)));
        File.WriteAllText(folder["vms.csv"], "vm;ip address;tags\nleft;10.0.0.0/8;x\nall;0.0.0.0/0;\nsix;::/0\n");
        string[] read = ["read", folder["t.pcap"], "--what", "flows", "--inventory", folder["vms.csv"]];
        var (code, output, error) = Run(null, [.. read, "--json"]);
        Assert.Equal((0, ""), (code, error));
        foreach (var line in output.TrimEnd().Split('\n'))
        {
            using var flow = JsonDocument.Parse(line);
            foreach (var side in (string[])["initiator", "responder"])
            {
                if (flow.RootElement.TryGetProperty(side + "_ip", out var ip))
                {
                    var expected = ip.GetString()!.Contains(':') ? "six" : ip.GetString()!.StartsWith("10.") ? "left" : "all";
                    Assert.Equal(expected, flow.RootElement.GetProperty(side + "_vm").GetString());
                }
            }
        }

        Assert.Contains(" [left > ", Run(null, read).Output, StringComparison.Ordinal);
        File.WriteAllText(folder["vms.csv"], "vm;ip address\nleft;10.0.0.0/80\n;\n");
        (code, output, error) = Run(null, read);
        Assert.Equal((2, ""), (code, output));
        Assert.Equal(1, error.TrimEnd().Split('\n').Length);
        Assert.Contains("vms.csv: line 2: '10.0.0.0/80' is not an IP address or prefix", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "read")]
    [InlineData(2, "read", "x", "--what", "dreams")]
    [InlineData(2, "read", "x", "--workers", "-1")]
    [InlineData(2, "read", "x", "--filter", "tcp port ((")]
    [InlineData(2, "nosuchverb")]
    [InlineData(1, "read", "/nonexistent/file")]
    [InlineData(0, "read", "--help")]
    [InlineData(2, "engine")]
    [InlineData(0, "engine", "--help")]
    public void ExitCodesTellUsageFromFailure(int expected, params string[] arguments)
    {
        var (code, output, error) = Run(null, arguments);
        Assert.True(expected == code, $"{code}: {output}{error}");
        Assert.Equal(expected != 0, error.Length > 0);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        if (expected == 0)
        {
            Assert.Contains("Examples:", output, StringComparison.Ordinal);
            Assert.DoesNotContain("Tapline.Server", output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void WhatThisBuildDoesNotKnowIsSaidAndNotInvented()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["t.pcap"], TraceMaker.File(TraceMaker.Frames(1, 10)));
        var (code, output, error) = Run(null, "read", folder["t.pcap"], "--what", "transactions", "--json");
        Assert.Equal(0, code);
        Assert.Equal("", output);
        Assert.Contains("transactions", error, StringComparison.Ordinal);
    }

    private static (int Code, string Output, string Error) Run(byte[]? input, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(ServerProcess.Executable, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        if (input is not null)
        {
            process.StandardInput.BaseStream.Write(input);
        }

        process.StandardInput.Close();
        process.WaitForExit();
        return (process.ExitCode, output.Result, error.Result);
    }
}
