// /api/v1/snapshot and /api/v1/points: the engine's live figures as the feed last read them.
using Microsoft.AspNetCore.Http;
using Tapline.Server.Telemetry;

namespace Tapline.Server.Api;

/// <summary>Live figures; 503 with the reason while the engine is away.</summary>
internal static class LiveResource
{
    public static IResult Snapshot(LiveFeed feed)
    {
        var state = feed.State;
        return state.IsLive
            ? Results.Json(state.Snapshot!, ApiJson.Default.EngineSnapshot)
            : Away(state);
    }

    public static IResult Points(LiveFeed feed)
    {
        var state = feed.State;
        return state.IsLive
            ? Results.Json(
                new PointsAnswer([.. state.Snapshot!.Points.Select(p => PointAnswer.Of(p, state.RateOf(p.Id)))]),
                ApiJson.Default.PointsAnswer)
            : Away(state);
    }

    private static IResult Away(LiveState state) =>
        Results.Problem(state.Trouble, statusCode: StatusCodes.Status503ServiceUnavailable, title: "The engine is away");
}
