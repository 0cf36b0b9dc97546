// The console's door and API, spoken to as a program would: the real executable over HTTP.
using System.Net;
using System.Text.Json;
using Tapline.Tests.Server.Support;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Server;

public class ConsoleApiTests(RunningConsole console) : IClassFixture<RunningConsole>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/")]
    [InlineData("/flows")]
    [InlineData("/api/v1/snapshot")]
    [InlineData("/api/v1/nonsense")]
    [InlineData("/metrics")]
    [InlineData("/_framework/blazor.web.js")]
    [InlineData("/_blazor/negotiate")]
    public async Task NothingAnswersAStranger(string path)
    {
        using var client = console.Stranger();
        using var answer = await client.GetAsync(path, Stop);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.DoesNotContain("testnode", await answer.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Bearer wrong")]
    [InlineData("Bearer ")]
    [InlineData("Bearer")]
    [InlineData("Basic dG9rZW4=")]
    public async Task AWrongTokenIsAsGoodAsNone(string header)
    {
        using var client = console.Stranger();
        client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", header);
        using var answer = await client.GetAsync("/api/v1/snapshot", Stop);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task ATokenCutShortOrAppendedToIsWrong()
    {
        string[] guesses =
            [console.Token[..^1], console.Token + "a", console.Token.ToUpperInvariant(), new string('a', 5000)];
        foreach (var guess in guesses)
        {
            using var client = console.Stranger();
            using var byLink = await client.GetAsync("/?token=" + guess, Stop);
            Assert.Equal(HttpStatusCode.Unauthorized, byLink.StatusCode);
            Assert.False(byLink.Headers.Contains("Set-Cookie"));
        }
    }

    [Fact]
    public async Task TheLinkBecomesACookieThatOpensPagesAndLeavesTheAddressBar()
    {
        using var client = console.Stranger();
        using var byLink = await client.GetAsync("/flows?token=" + console.Token, Stop);
        Assert.Equal(HttpStatusCode.Redirect, byLink.StatusCode);
        Assert.Equal("/flows", byLink.Headers.Location?.ToString());
        var cookie = Assert.Single(byLink.Headers.GetValues("Set-Cookie"));
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(console.Token, cookie, StringComparison.Ordinal);

        client.DefaultRequestHeaders.Add("Cookie", cookie.Split(';')[0]);
        using var page = await client.GetAsync("/flows", Stop);
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        client.DefaultRequestHeaders.Remove("Cookie");
        client.DefaultRequestHeaders.Add("Cookie", "tapline_console=" + console.Token);
        using var tokenAsCookie = await client.GetAsync("/flows", Stop);
        Assert.Equal(HttpStatusCode.Unauthorized, tokenAsCookie.StatusCode);
    }

    [Fact]
    public async Task TheSignInFormTakesTheToken()
    {
        using var client = console.Stranger();
        client.DefaultRequestHeaders.Accept.ParseAdd("text/html");
        using var page = await client.GetAsync("/", Stop);
        Assert.Contains("<form", await page.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
        using var right = await client.PostAsync("/sign-in", new FormUrlEncodedContent([new("token", console.Token + "\n")]), Stop);
        Assert.Equal(HttpStatusCode.Redirect, right.StatusCode);
        using var wrong = await client.PostAsync("/sign-in", new FormUrlEncodedContent([new("token", "x")]), Stop);
        Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
        using var form = await client.PostAsync("/sign-in", new StringContent("x"), Stop);
        Assert.Equal(HttpStatusCode.Unauthorized, form.StatusCode);
    }

    [Theory]
    [InlineData("http://evil.example")]
    [InlineData("null")]
    public async Task AnotherSitesPageIsRefused(string origin)
    {
        using var client = console.Bearer();
        client.DefaultRequestHeaders.Add("Origin", origin);
        using var answer = await client.GetAsync("/_blazor/negotiate", Stop);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    [Fact]
    public void TheTokenFileIsItsOwnersOnly() =>
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(console.TokenFile));

    [Theory]
    [InlineData("/")]
    [InlineData("/api/v1/health")]
    [InlineData("/api/v1/nonsense")]
    [InlineData("/charts.js")]
    public async Task EveryAnswerCarriesTheStrictPolicy(string path)
    {
        using var client = console.Bearer();
        using var answer = await client.GetAsync(path, Stop);
        var policy = string.Join(' ', answer.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.Contains("script-src 'self'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
    }

    [Fact]
    public async Task LiveFiguresAreServedWithRatesAndTheContractsNames()
    {
        using var client = console.Bearer();
        JsonElement point = default;
        Assert.True(Await.Until(() =>
        {
            using var answer = client.Send(new HttpRequestMessage(HttpMethod.Get, "/api/v1/points"), Stop);
            if (answer.StatusCode != HttpStatusCode.OK)
            {
                return false;
            }

            point = JsonDocument.Parse(answer.Content.ReadAsStream(Stop)).RootElement.GetProperty("points")[0].Clone();
            return point.GetProperty("frames_per_second").GetDouble() > 0;
        }));
        Assert.Equal(1000, point.GetProperty("frames_per_second").GetDouble());
        Assert.Equal(RunningConsole.HostileVm, point.GetProperty("vm").GetString());
        Assert.Equal(0, point.GetProperty("dropped_ring").GetInt64());
    }

    [Theory]
    [InlineData("/api/v1/flows?port=99999&sort=colour&since=yesterday&limit=0", "port", "sort", "since", "limit")]
    [InlineData("/api/v1/ledger?until=never", "until")]
    public async Task MistakesInAQuestionAreToldAllAtOnce(string path, params string[] words)
    {
        using var client = console.Bearer();
        using var answer = await client.GetAsync(path, Stop);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var text = await answer.Content.ReadAsStringAsync(Stop);
        Assert.All(words, w => Assert.Contains(w + ":", text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task MetricsEscapeWhatOthersHaveNamed()
    {
        using var client = console.Bearer();
        var text = await client.GetStringAsync("/metrics", Stop);
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains("tapline_engine_up 1", lines);
        Assert.Contains(lines, l => l.StartsWith("tapline_point_captured_frames_total{", StringComparison.Ordinal)
            && l.Contains("onerror=\\\"document", StringComparison.Ordinal));
        Assert.All(lines, l => Assert.Matches(@"^(# (HELP|TYPE) \w+ .+|\w+(\{.*\})? [-+0-9.eE]+)$", l));
    }
}
