// Stands before every page, file and API of the console: no token, no answer. A browser comes in once by ?token=… or by
// the sign-in form and keeps a cookie; programs send a bearer token. Requests that another site's page makes the
// browser send are refused by their Origin, the Blazor connection included.
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Tapline.Server.Auth;

/// <summary>The console's only door. One instance, any thread.</summary>
internal sealed class Gate(ConsoleToken token)
{
    private const string CookieName = "tapline_console";
    private const string SignInPath = "/sign-in";

    /// <summary>Files that the sign-in page itself needs; they say nothing of the host.</summary>
    private static readonly string[] s_openFiles = ["/console.css", "/tapline.svg"];

    public async Task InvokeAsync(HttpContext context, Func<Task> next)
    {
        var request = context.Request;
        if (!IsSameOrigin(request))
        {
            await RefuseAsync(context, StatusCodes.Status403Forbidden, "This request comes from another site's page.");
            return;
        }

        if (HttpMethods.IsPost(request.Method) && request.Path == SignInPath)
        {
            await SignInAsync(context);
            return;
        }

        if (HttpMethods.IsGet(request.Method) && request.Query.TryGetValue("token", out var given))
        {
            await EnterByLinkAsync(context, given.ToString());
            return;
        }

        if (IsKnown(request) || Array.Exists(s_openFiles, f => request.Path == f))
        {
            await next();
            return;
        }

        await RefuseAsync(
            context, StatusCodes.Status401Unauthorized, "A token is needed: see console.token in the data folder.");
    }

    private static bool IsSameOrigin(HttpRequest request)
    {
        var origin = request.Headers.Origin.ToString();
        return origin.Length == 0
            || (Uri.TryCreate(origin, UriKind.Absolute, out var from)
                && string.Equals(from.Authority, HostOf(request), StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>The Host header as a URI's authority: without the scheme's own port.</summary>
    private static string HostOf(HttpRequest request) =>
        Uri.TryCreate($"{request.Scheme}://{request.Host.Value}", UriKind.Absolute, out var own) ? own.Authority : "";

    private bool IsKnown(HttpRequest request)
    {
        const string Scheme = "Bearer ";
        var header = request.Headers.Authorization.ToString();
        return header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            ? token.IsToken(header[Scheme.Length..].Trim())
            : token.IsCookie(request.Cookies[CookieName]);
    }

    /// <summary>A right token becomes a cookie and leaves the address bar; a wrong one is a refusal.</summary>
    private async Task EnterByLinkAsync(HttpContext context, string given)
    {
        if (!token.IsToken(given))
        {
            await RefuseAsync(context, StatusCodes.Status401Unauthorized, "This is not the token of this console.");
            return;
        }

        SetCookie(context);
        context.Response.Redirect(context.Request.PathBase + context.Request.Path);
    }

    private async Task SignInAsync(HttpContext context)
    {
        var form = context.Request.HasFormContentType
            ? await context.Request.ReadFormAsync(context.RequestAborted)
            : FormCollection.Empty;
        if (!token.IsToken(form["token"].ToString().Trim()))
        {
            await RefuseAsync(context, StatusCodes.Status401Unauthorized, "This is not the token of this console.");
            return;
        }

        SetCookie(context);
        context.Response.Redirect("/");
    }

    private void SetCookie(HttpContext context) =>
        context.Response.Cookies.Append(CookieName, token.Cookie, new CookieOptions
        {
            HttpOnly = true,
            SameSite = SameSiteMode.Strict,
            Secure = context.Request.IsHttps,
            Path = "/",
            MaxAge = TimeSpan.FromDays(30),
            IsEssential = true,
        });

    private static async Task RefuseAsync(HttpContext context, int status, string sentence)
    {
        var response = context.Response;
        response.StatusCode = status;
        response.Headers.CacheControl = "no-store";
        if (status == StatusCodes.Status401Unauthorized)
        {
            response.Headers.WWWAuthenticate = "Bearer realm=\"tapline\"";
        }

        if (context.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase)
            && !context.Request.Path.StartsWithSegments("/api"))
        {
            response.ContentType = "text/html; charset=utf-8";
            await response.WriteAsync(SignInPage(sentence), Encoding.UTF8, context.RequestAborted);
            return;
        }

        await Results.Problem(sentence, statusCode: status).ExecuteAsync(context);
    }

    // Constant text only: nothing of the request is echoed.
    private static string SignInPage(string sentence) => $"""
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Tapline · sign in</title><link rel="icon" href="/tapline.svg"><link rel="stylesheet" href="/console.css"></head>
        <body class="sign-in"><main><img src="/tapline.svg" alt="" width="48" height="48"><h1>Tapline</h1>
        <p>{sentence}</p>
        <form method="post" action="{SignInPath}"><label for="token">Token</label>
        <input id="token" name="token" type="password" autocomplete="current-password" autofocus required>
        <button type="submit">Open the console</button></form>
        <p class="quiet">The token stands in <code>console.token</code> in the data folder.</p></main></body></html>
        """;
}
