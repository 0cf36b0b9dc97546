// The account of a replay, for people and as JSON.
using System.Globalization;
using Tapline.Base;
using Tapline.Workers;
using Tapline.Workers.Past;

namespace Tapline.Server.Commands;

/// <summary>Prints <see cref="ReplayReport"/>s.</summary>
internal static class ReplayText
{
    public static void Write(AnswerOutput output, ReplayReport report, double speed, bool isJson)
    {
        if (isJson)
        {
            ReplayReportJson.Write(output.BeginJsonLine(), report, speed);
            output.EndJsonLine();
        }
        else
        {
            WriteText(output, report, speed);
        }
    }

    private static void WriteText(AnswerOutput output, ReplayReport report, double speed)
    {
        var row = report.Ledger;
        var dropped = MirrorTotals.Dropped(row);
        var time = TimeSpan.FromSeconds(report.DurationNs / (double)Clock.SecondNs);
        output.Line($"Played for {Quantity.Duration(time)}"
            + (report.IsStopped ? "; stopped" : report.IsLimited ? "; the limit was reached" : "")
            + (report.Passes > 1 ? $"; {report.Passes} times." : "."));
        output.Line($"Read {Quantity.Count(report.Read)} frames ({Quantity.Count(report.Examined)} looked at):"
            + $" offered {Quantity.Count(row.Offered)}, of other points {Quantity.Count(report.OtherPoints)},"
            + $" not played any more {Quantity.Count(report.Unplayed)}.");
        output.Line($"Offered {Quantity.Count(row.Offered)} = sent {Quantity.Count(row.Sent)}"
            + $" + filtered {Quantity.Count(row.Filtered)} + sampled out {Quantity.Count(row.SampledOut)}"
            + $" + dropped {Quantity.Count(dropped)}"
            + $" (busy {row.DroppedBusy}, too long {row.DroppedTooLong}, target down {row.DroppedTargetDown}, error {row.DroppedError},"
            + $" rate cap {row.DroppedRateCapped}, shed {row.DroppedShed});"
            + $" {Quantity.Count(row.SentWireFrames)} wire frames, {Quantity.Bytes(row.SentBytes)}.");
        if (speed > 0 && row.Offered > 0)
        {
            output.Line(string.Create(CultureInfo.InvariantCulture,
                $"Late by {report.LateMeanNs / 1e3:0.0} us on average, by {report.LateMaxNs / 1e3:0.0} us at most."));
        }

        if (report.OutOfOrder > 0)
        {
            output.Line($"{Quantity.Count(report.OutOfOrder)} frames left behind a later one.");
        }

        foreach (var client in report.Clients)
        {
            output.Line($"{TerminalText.Printable(client.Peer)} got {Quantity.Count(client.Sent)}, "
                + $"was too slow for {Quantity.Count(client.Dropped)}.");
        }

        foreach (var sentence in report.Holes.Concat(report.Faults))
        {
            output.Line(TerminalText.Printable(sentence));
        }
    }
}
