// `tapline read` in this process: the bytes it would print, and what it would say of its input.
using System.Text;
using Tapline.Capture.Identity;
using Tapline.Filter;
using Tapline.Server.Commands;
using Tapline.Workers.Offline;
using Xunit;

namespace Tapline.Tests.Workers;

/// <summary>What `read` answered.</summary>
internal sealed record ReadAnswer(string Summary, string Flows, string Ledger, IReadOnlyList<string> Faults)
{
    public static ReadAnswer Of(IReadOnlyList<string> files, int workers, CompiledFilter? filter = null) =>
        Of(new OfflineOptions { Files = files, Workers = workers, Filter = filter ?? CompiledFilter.Everything });

    public static ReadAnswer Of(OfflineOptions options)
    {
        using var result = OfflineAnalysis.Run(options with { KeepFlows = true, KeepLedger = true });
        return new ReadAnswer(
            Text(o => ReadJson.Summary(result, o)) + Text(o => ReadText.Summary(result, o)),
            Text(o => ReadJson.Flows(result, VmInventory.Empty, o)) + Text(o => ReadText.Flows(result, VmInventory.Empty, o)),
            Text(o => ReadJson.Ledger(result, o)) + Text(o => ReadText.Ledger(result, o)),
            result.Faults);
    }

    /// <summary>Fails at the first line that differs.</summary>
    public void AssertSame(ReadAnswer other)
    {
        AssertSameLines(Summary, other.Summary);
        AssertSameLines(Flows, other.Flows);
        AssertSameLines(Ledger, other.Ledger);
        Assert.Equal(Faults, other.Faults);
    }

    private static void AssertSameLines(string expected, string actual)
    {
        if (expected == actual)
        {
            return;
        }

        foreach (var (wanted, got) in expected.Split('\n').Zip(actual.Split('\n')))
        {
            Assert.Equal(wanted, got);
        }

        Assert.Equal(expected.Length, actual.Length);
    }

    private static string Text(Action<AnswerOutput> print)
    {
        using var stream = new MemoryStream();
        using var output = new AnswerOutput(stream);
        print(output);
        output.Flush();
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
