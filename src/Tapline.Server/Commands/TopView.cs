// The picture that `tapline top` draws: points with rates and loss, mirrors, busiest flows. In: one live state and the
// window's size. Out: something Spectre.Console can draw. All names pass TerminalText.
using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;
using Tapline.Server.Telemetry;

namespace Tapline.Server.Commands;

/// <summary>Draws a live state. No state of its own.</summary>
internal static class TopView
{
    private const int HeadRows = 3;
    private const int RowsAroundTable = 4;
    private const int PointRowsMin = 4;
    private static readonly Style s_quiet = new(Color.Grey);
    private static readonly Style s_good = new(Color.Green);
    private static readonly Style s_bad = new(Color.Red, decoration: Decoration.Bold);
    private static readonly Style s_name = new(decoration: Decoration.Bold);

    /// <param name="state">What to draw.</param>
    /// <param name="rows">Lines of the window; 0 = as many as it takes.</param>
    public static IRenderable Draw(LiveState state, int rows)
    {
        if (state.Snapshot is not { } engine)
        {
            return new Text(TerminalText.Printable(state.Trouble), s_bad);
        }

        var mirrorRows = engine.Mirrors.Count == 0 ? 0 : engine.Mirrors.Count + RowsAroundTable;
        var room = rows == 0 ? int.MaxValue : rows - HeadRows - mirrorRows - (2 * RowsAroundTable);
        var pointRows = Math.Min(engine.Points.Count, Math.Max(PointRowsMin, room / 2));
        var flows = state.MovingFlows;
        var flowRows = rows == 0 ? flows.Count : Math.Max(0, room - pointRows);

        List<IRenderable> parts = [Head(state, engine), Points(state, engine, pointRows)];
        if (engine.Mirrors.Count > 0)
        {
            parts.Add(Mirrors(engine));
        }

        if (flowRows > 0 && flows.Count > 0)
        {
            parts.Add(Flows(flows.Take(flowRows)));
        }

        return new Rows(parts);
    }

    private static Rows Head(LiveState state, EngineSnapshot engine)
    {
        var totals = LedgerTotals.Of(engine);
        var first = new Paragraph();
        first.Append("tapline ", new Style(Color.Teal, decoration: Decoration.Bold));
        first.Append(TerminalText.Printable(engine.Node), s_name);
        first.Append($"  up {Quantity.Duration(TimeSpan.FromSeconds(Math.Floor(engine.UptimeNs / 1e9)))}", s_quiet);
        if (state.Trouble is not null)
        {
            first.Append("  " + TerminalText.Printable(state.Trouble), s_bad);
        }

        var second = new Paragraph();
        second.Append(Count(state.FramesPerSecond) + " frames/s", s_name);
        second.Append("  " + Quantity.BitsPerSecond(state.BitsPerSecond), s_name);
        second.Append($"  {Quantity.Count(engine.Flows.Active)} flows");
        second.Append("  lost ", s_quiet);
        second.Append(Quantity.Count(totals.DroppedRing), totals.DroppedRing > 0 ? s_bad : s_good);
        second.Append(
            string.Create(CultureInfo.InvariantCulture,
                $"  arrived {totals.Arrived:N0} = captured {totals.Captured:N0} + dropped {totals.DroppedRing:N0}")
            + string.Create(CultureInfo.InvariantCulture, $" + in ring {totals.InRing:N0}"),
            totals.IsSound ? s_quiet : s_bad);
        return new Rows(first, second);
    }

    private static Table Points(LiveState state, EngineSnapshot engine, int rows)
    {
        var table = NewTable("Point", "VM", "State", ">bits/s", ">frames/s", ">captured", ">dropped", ">undecodable");
        var byRate = engine.Points.OrderByDescending(p => state.RateOf(p.Id).BitsPerSecond).ThenBy(p => p.Id).ToList();
        foreach (var point in byRate.Take(rows))
        {
            var rate = state.RateOf(point.Id);
            table.AddRow(
                Name(point.Name), Name(point.Vm, s_name), Name(point.State, point.State == "up" ? s_good : s_quiet),
                new Text(Quantity.BitsPerSecond(rate.BitsPerSecond)), new Text(Count(rate.FramesPerSecond)),
                new Text(Quantity.Count(point.Captured)),
                new Text(Quantity.Count(point.DroppedRing), point.DroppedRing > 0 ? s_bad : s_quiet),
                new Text(Quantity.Count(point.Undecodable), s_quiet));
        }

        if (byRate.Count > rows)
        {
            table.Caption(new TableTitle($"and {byRate.Count - rows} quieter points", s_quiet));
        }

        return table;
    }

    private static Table Mirrors(EngineSnapshot engine)
    {
        var table = NewTable("Mirror", "To", "Filter", "Path", "State", ">offered", ">sent", ">filtered", ">dropped");
        foreach (var mirror in engine.Mirrors)
        {
            var dropped = LedgerTotals.Dropped(mirror);
            table.AddRow(
                Name(mirror.Session), Name(mirror.To),
                Name(string.IsNullOrEmpty(mirror.Filter) ? "every frame" : mirror.Filter, s_quiet),
                Name(mirror.Mode, s_quiet),
                Name(mirror.State, mirror.State == "up" ? s_good : s_bad),
                new Text(Quantity.Count(mirror.Offered)), new Text(Quantity.Count(mirror.Sent)),
                new Text(Quantity.Count(mirror.Filtered)), new Text(Quantity.Count(dropped), dropped > 0 ? s_bad : s_quiet));
        }

        return table;
    }

    private static Table Flows(IEnumerable<FlowRow> flows)
    {
        var table = NewTable("From", "To", "App", ">rate", ">bytes", ">RTT", ">retrans");
        foreach (var f in flows)
        {
            var retransmissions = (f.InitiatorRetransmissions ?? 0) + (f.ResponderRetransmissions ?? 0);
            table.AddRow(
                Name(End(f.InitiatorVm, f.InitiatorIp ?? f.InitiatorMac, f.InitiatorPort)),
                Name(End(f.ResponderVm, f.ResponderIp ?? f.ResponderMac, f.ResponderPort)),
                Name(f.App ?? f.Protocol), new Text(Quantity.BitsPerSecond(f.BitsPerSecond ?? 0)),
                new Text(Quantity.Bytes(f.InitiatorBytes + f.ResponderBytes)),
                new Text(f.HandshakeRttNs is { } rtt ? Quantity.Duration(TimeSpan.FromTicks(rtt / 100)) : "", s_quiet),
                new Text(Quantity.Count(retransmissions), retransmissions > 0 ? new Style(Color.Yellow) : s_quiet));
        }

        return table;
    }

    private static Table NewTable(params string[] columns)
    {
        var table = new Table { Border = TableBorder.Simple, BorderStyle = s_quiet, Expand = true };
        foreach (var column in columns)
        {
            var isNumber = column[0] == '>';
            var title = new TableColumn(new Text(isNumber ? column[1..] : column, s_quiet)) { NoWrap = true };
            table.AddColumn(isNumber ? title.RightAligned() : title);
        }

        return table;
    }

    private static Text Name(string? name, Style? style = null) =>
        new(TerminalText.Printable(name), style) { Overflow = Overflow.Ellipsis };

    private static string End(string? vm, string? address, int? port)
    {
        var isIpv6 = address?.Contains(':', StringComparison.Ordinal) == true;
        var place = port is null ? address ?? "" : isIpv6 ? $"[{address}]:{port}" : $"{address}:{port}";
        return vm is null ? place : $"{vm} {place}";
    }

    private static string Count(double rate) => Quantity.Count((long)Math.Round(rate));
}
