// /api/v1/flows: finished flows of the store, filtered, sorted, paged.
using Microsoft.AspNetCore.Http;
using Tapline.Server.Database;

namespace Tapline.Server.Api;

/// <summary>Query parameters: address, port, vm, protocol, app, point, since, until, sort, order, limit, offset.</summary>
internal static class FlowsResource
{
    public static async Task<IResult> GetAsync(HttpRequest request, FlowQueries flows, CancellationToken stop)
    {
        if (!FlowQuery.TryParse(name => request.Query[name].ToString(), out var query, out var mistakes))
        {
            return Results.Problem(string.Join(' ', mistakes), statusCode: StatusCodes.Status400BadRequest);
        }

        var (found, hasMore) = await flows.FindAsync(query, stop);
        var next = hasMore ? Next(request, query) : null;
        return Results.Json(new FlowsAnswer(found, next), ApiJson.Default.FlowsAnswer);
    }

    /// <summary>The address of the next page: this one's with another offset.</summary>
    private static string Next(HttpRequest request, FlowQuery query)
    {
        var others = request.Query.Where(q => q.Key is not ("offset" or "token"))
            .Append(new("offset", (query.Offset + query.Limit).ToString(System.Globalization.CultureInfo.InvariantCulture)));
        return request.Path + QueryString.Create(others);
    }
}
