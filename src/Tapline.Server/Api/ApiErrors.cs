// Errors of the API as problem+json (RFC 9457); pages get plain text. What went wrong inside is logged, never sent.
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace Tapline.Server.Api;

/// <summary>The two ways in which a request fails.</summary>
internal static class ApiErrors
{
    /// <summary>For an exception nobody foresaw; the framework has logged it.</summary>
    public static void HandleException(IApplicationBuilder branch) => branch.Run(context =>
    {
        var failure = context.Features.Get<IExceptionHandlerFeature>()?.Error;
        var status = failure is BadHttpRequestException bad ? bad.StatusCode : StatusCodes.Status500InternalServerError;
        var sentence = failure is BadHttpRequestException
            ? failure.Message
            : "The console failed at this request; its log says why.";
        return Results.Problem(sentence, statusCode: status).ExecuteAsync(context);
    });

    /// <summary>For an answer without a body: an unknown address, a method that is not served.</summary>
    public static Task HandleStatusAsync(StatusCodeContext status)
    {
        var context = status.HttpContext;
        var sentence = context.Response.StatusCode switch
        {
            StatusCodes.Status404NotFound => "There is nothing at this address.",
            StatusCodes.Status405MethodNotAllowed => "This address does not take that method.",
            _ => "The request failed.",
        };
        return Results.Problem(sentence, statusCode: context.Response.StatusCode).ExecuteAsync(context);
    }
}
