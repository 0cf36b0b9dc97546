// Entry point: `Tapline.Bench --filter '*FlowUpdate*'` for figures; `Tapline.Bench quick` for a look in seconds;
// `filter CAPTURE` sets the frame matcher beside libpcap's programs; `process-split` and `copy-cost` are the measurements of
// ADR 0002 and 0003; `index CAPTURE` that of ADR 0060, `take CAPTURE...` that of ADR 0063; `container CAPTURE` that of ADR 0064;
// `evidence FOLDER` that of ADR 0065; `record CAPTURE DATA` makes the recording that bench/query.sh searches, `store TRACE DATA COPIES`
// the one of bench/query-large.sh, `query DATA EXPRESSION` searches one inside this process; `write DIR MEGABYTES` is the writer beside
// `dd` in bench/record-rate.sh.
using System.Diagnostics;
using BenchmarkDotNet.Running;
using Tapline.Bench;

if (args is ["quick", ..])
{
    var bench = new FlowUpdate();
    bench.Setup();
    for (var round = 0; round < 8; round++)
    {
        var decode = CpuNs(() => bench.DecodeOnly());
        var both = CpuNs(() => bench.DecodeAndFlow());
        Console.WriteLine($"decode {decode:F0} ns, decode and flow {both:F0} ns of CPU time a frame");
    }

    bench.Cleanup();
    return 0;
}

switch (args)
{
    case ["process-split", ..]:
        ProcessSplit.Run(rounds: 3, seconds: 5);
        return 0;
    case ["churn"]:
        ProcessSplit.Churn(CancellationToken.None);
        return 0;
    case ["copy-cost"]:
        CopyCost.Run(rounds: 5);
        return 0;
}

if (args is ["take", .. var captures] && captures.Length > 0)
{
    return TakeCost.Run(captures, rounds: 5);
}

if (args is ["filter", var capture, ..])
{
    return FilterSpeed.Run(capture, rounds: 5);
}

// The recording that bench/read-recording.sh reads.
if (args is ["chains", var original, var target, var workers])
{
    return RecordChains.Run(original, target, int.Parse(workers, System.Globalization.CultureInfo.InvariantCulture));
}

if (args is ["scaling", var file, ..])
{
    return OfflineScaling.Run(file, args.Length > 2 ? int.Parse(args[2], System.Globalization.CultureInfo.InvariantCulture) : 6);
}

if (args is ["index", var trace, ..])
{
    return IndexCost.Run(trace, args.Length > 2 ? int.Parse(args[2], System.Globalization.CultureInfo.InvariantCulture) : 3);
}

if (args is ["container", var packed, ..])
{
    return ContainerCost.Run(packed, args.Length > 2 ? int.Parse(args[2], System.Globalization.CultureInfo.InvariantCulture) : 5);
}

if (args is ["evidence", var place, ..])
{
    return EvidenceCost.Run(place, args.Length > 2 ? double.Parse(args[2], System.Globalization.CultureInfo.InvariantCulture) : 3);
}

if (args is ["record", var recorded, var data])
{
    return RecordTrace.Run(recorded, data);
}

if (args is ["write", var disk, var megabytes])
{
    return WriteSpeed.Run(disk, long.Parse(megabytes, System.Globalization.CultureInfo.InvariantCulture));
}

if (args is ["query", var searched, var expression, ..])
{
    return QueryLatency.Run(
        searched, expression, args.Length > 3 ? int.Parse(args[3], System.Globalization.CultureInfo.InvariantCulture) : 20);
}

if (args is ["store", var copied, var store, var copies, ..])
{
    return LargeStore.Run(
        copied, store, int.Parse(copies, System.Globalization.CultureInfo.InvariantCulture), args.Length > 4 ? args[4] : null);
}

BenchmarkSwitcher.FromAssembly(typeof(FlowUpdate).Assembly).Run(args);
return 0;

static double CpuNs(Action action)
{
    var before = Environment.CpuUsage.TotalTime;
    action();
    return (Environment.CpuUsage.TotalTime - before).TotalNanoseconds / FlowUpdate.Frames;
}
