// /api/v1/health: is this node well? 200 while it works, degraded included; 503 when the engine does not answer.
using Microsoft.AspNetCore.Http;
using Tapline.Server.Ingest;
using Tapline.Server.Telemetry;

namespace Tapline.Server.Api;

/// <summary>One answer for monitoring and for a person, with a sentence for each thing amiss.</summary>
internal static class HealthResource
{
    public static IResult Get(LiveFeed feed, SpoolIngestor ingestor)
    {
        var answer = Judge(feed.State, ingestor.State);
        var status = answer.EngineAnswers ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        return Results.Json(answer, ApiJson.Default.HealthAnswer, statusCode: status);
    }

    internal static HealthAnswer Judge(LiveState live, IngestState ingest)
    {
        var reasons = new List<string>();
        if (!live.IsLive)
        {
            reasons.Add(live.Trouble ?? "The engine has not answered yet.");
        }
        else
        {
            JudgeEngine(live.Snapshot!, live.DropsPerSecond, reasons);
        }

        if (ingest.Trouble is { } trouble)
        {
            reasons.Add(trouble);
        }

        if (ingest.BatchesBad > 0)
        {
            reasons.Add($"{ingest.BatchesBad} damaged batches were put into spool/bad.");
        }

        return new HealthAnswer
        {
            Status = !live.IsLive ? "down" : reasons.Count > 0 ? "degraded" : "ok",
            Reasons = reasons,
            EngineAnswers = live.IsLive,
            IngestLagNs = ingest.LagNs,
            BatchesWaiting = ingest.BatchesWaiting,
            BatchesBad = ingest.BatchesBad,
        };
    }

    private static void JudgeEngine(EngineSnapshot engine, double dropsPerSecond, List<string> reasons)
    {
        var totals = LedgerTotals.Of(engine);
        if (dropsPerSecond > 0)
        {
            reasons.Add($"Frames are being lost in the ring: {dropsPerSecond:0} a second.");
        }
        else if (totals.DroppedRing > 0)
        {
            reasons.Add($"{totals.DroppedRing} frames were lost in the ring since the engine started.");
        }

        if (!totals.IsSound)
        {
            reasons.Add("The ledger does not balance: more frames came out of a stage than went in.");
        }

        if (totals.DroppedRecorder > 0)
        {
            reasons.Add($"The recorder lost {totals.DroppedRecorder} frames that it should have kept.");
        }

        if (engine.Recorder?.Notice is { } notice)
        {
            reasons.Add(notice);
        }

        if (engine.Flows.RecordsDropped > 0)
        {
            reasons.Add($"{engine.Flows.RecordsDropped} flow records were lost on the way to the spool.");
        }

        foreach (var mirror in engine.Mirrors.Where(m => m.State != "up"))
        {
            reasons.Add($"Mirror session {mirror.Session} to {mirror.To} is {mirror.State}.");
        }
    }
}
