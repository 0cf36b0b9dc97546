// The answers of `tapline read --json`, by the data contract.
using Tapline.Capture.Identity;
using Tapline.Store;
using Tapline.Workers.Offline;

namespace Tapline.Server.Commands;

/// <summary>Prints results as JSON lines.</summary>
internal static class ReadJson
{
    public static void Summary(OfflineResult result, AnswerOutput output)
    {
        SummaryJson.Write(output.BeginJsonLine(), result);
        output.EndJsonLine();
    }

    /// <summary>Flows in the order of their start. Their numbers are their places in it: the same for any number of threads.</summary>
    public static void Flows(OfflineResult result, VmInventory vms, AnswerOutput output)
    {
        var records = result.Flows.Records!;
        var writer = new FlowJsonWriter(new FileFlowNames(result.Points, vms, result.Machines));
        ulong number = 0;
        foreach (var index in records.Order())
        {
            var record = records[index];
            record.FlowId = ++number;
            writer.Write(output.BeginJsonLine(), record);
            output.EndJsonLine();
        }
    }

    public static void Ledger(OfflineResult result, AnswerOutput output)
    {
        foreach (var (key, counts) in LedgerJson.Rows(result))
        {
            LedgerJson.Write(output.BeginJsonLine(), key, counts, result.Points[key.Point].Name);
            output.EndJsonLine();
        }
    }
}
