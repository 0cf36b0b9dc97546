// /api/v1/ledger: the ledger's seconds from the store, newest first.
using Microsoft.AspNetCore.Http;
using Tapline.Server.Database;

namespace Tapline.Server.Api;

/// <summary>Query parameters: point, since, until, limit.</summary>
internal static class LedgerResource
{
    private const int LimitDefault = 600;
    private const int LimitMax = 86_400;

    public static async Task<IResult> GetAsync(HttpRequest request, LedgerQueries ledger, CancellationToken stop)
    {
        var mistakes = new List<string>();
        var since = FlowQuery.Time(request.Query["since"], "since", mistakes);
        var until = FlowQuery.Time(request.Query["until"], "until", mistakes);
        var limit = FlowQuery.Number(request.Query["limit"], "limit", 1, LimitMax, mistakes) ?? LimitDefault;
        var point = request.Query["point"].ToString();
        return mistakes.Count > 0
            ? Results.Problem(string.Join(' ', mistakes), statusCode: StatusCodes.Status400BadRequest)
            : Results.Json(
                await ledger.FindAsync(point.Length == 0 ? null : point, since, until, limit, stop),
                ApiJson.Default.LedgerAnswer);
    }
}
