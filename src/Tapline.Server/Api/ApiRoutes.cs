// The API's addresses, one line each; what they answer stands in one file per resource beside this one.
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Tapline.Server.Api;

/// <summary>All routes below /api/v1, and /metrics.</summary>
internal static class ApiRoutes
{
    public static void Map(IEndpointRouteBuilder app)
    {
        var v1 = app.MapGroup("/api/v1");
        v1.MapGet("/snapshot", LiveResource.Snapshot);
        v1.MapGet("/points", LiveResource.Points);
        v1.MapGet("/health", HealthResource.Get);
        v1.MapGet("/flows", FlowsResource.GetAsync);
        v1.MapGet("/ledger", LedgerResource.GetAsync);
        v1.MapFallback(() => Results.Problem("The API has no such resource.", statusCode: StatusCodes.Status404NotFound));
        app.MapGet("/metrics", MetricsResource.Get);
    }
}
