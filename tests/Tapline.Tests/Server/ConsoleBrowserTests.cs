// The console in Debian's Chromium: figures move, the curve is drawn, nothing breaks the content policy, and a VM whose
// name is an attack is only a name.
using Microsoft.Playwright;
using Tapline.Tests.Server.Support;
using Xunit;

namespace Tapline.Tests.Server;

public class ConsoleBrowserTests(RunningConsole console) : IClassFixture<RunningConsole>
{
    private const string Chromium = "/usr/bin/chromium";

    [Fact]
    public async Task FiguresMoveAndTheCurveIsDrawn()
    {
        await using var browser = await LaunchAsync();
        var (page, faults) = await OpenAsync(browser);
        var captured = page.Locator(".tile").First.Locator(".quiet");
        var before = await captured.TextContentAsync();
        await Assertions.Expect(captured).Not.ToHaveTextAsync(before!, new() { Timeout = 20_000 });

        var canvas = page.Locator(".chart canvas").First;
        await Assertions.Expect(canvas).ToBeVisibleAsync(new() { Timeout = 20_000 });
        // Not blank: a drawn canvas has more than one colour.
        Assert.True(await page.EvaluateAsync<bool>("""
            () => { const c = document.querySelector('.chart canvas');
              const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
              const seen = new Set();
              for (let i = 0; i < d.length; i += 4) seen.add(d[i] << 24 | d[i+1] << 16 | d[i+2] << 8 | d[i+3]);
              return seen.size > 20; }
            """));
        await page.GetByRole(AriaRole.Button, new() { Name = "frames/s" }).ClickAsync();
        await Assertions.Expect(page.Locator(".segmented .on")).ToHaveTextAsync("frames/s");
        Assert.Empty(faults);
    }

    [Fact]
    public async Task AHostileVmNameIsTextOnEveryPage()
    {
        await using var browser = await LaunchAsync();
        var (page, faults) = await OpenAsync(browser);
        foreach (var path in new[] { "/", "/points", "/ledger", "/flows" })
        {
            await page.GotoAsync(new Uri(console.Address, path).ToString());
            if (path != "/flows")
            {
                var name = page.GetByText("<img src=x", new() { Exact = false }).First;
                await Assertions.Expect(name).ToBeVisibleAsync(new() { Timeout = 20_000 });
            }

            Assert.Equal(0, await page.Locator("img[src=x]").CountAsync());
            Assert.DoesNotContain("owned", await page.TitleAsync(), StringComparison.Ordinal);
        }

        Assert.Empty(faults);
    }

    [Fact]
    public async Task PagesFitAPhoneAndBothThemes()
    {
        await using var browser = await LaunchAsync();
        foreach (var scheme in new[] { ColorScheme.Light, ColorScheme.Dark })
        {
            await using var context = await browser.NewContextAsync(new()
            {
                ViewportSize = new() { Width = 390, Height = 844 }, ColorScheme = scheme,
            });
            var page = await context.NewPageAsync();
            await page.GotoAsync($"{console.Address}?token={console.Token}");
            await Assertions.Expect(page.Locator(".tile").First).ToBeVisibleAsync(new() { Timeout = 20_000 });
            foreach (var path in new[] { "/", "/points", "/ledger", "/flows" })
            {
                await page.GotoAsync(new Uri(console.Address, path).ToString());
                await Assertions.Expect(page.Locator("main section").First).ToBeVisibleAsync(new() { Timeout = 20_000 });
                Assert.True(await page.EvaluateAsync<bool>("() => document.documentElement.scrollWidth <= innerWidth"), path);
            }
        }
    }

    [Fact]
    public async Task WithoutATokenThereIsOnlyTheDoor()
    {
        await using var browser = await LaunchAsync();
        var page = await browser.NewPageAsync();
        await page.GotoAsync(console.Address.ToString());
        await page.GetByLabel("Token").FillAsync(console.Token);
        await page.GetByRole(AriaRole.Button, new() { Name = "Open the console" }).ClickAsync();
        await Assertions.Expect(page.Locator(".engine.well")).ToBeVisibleAsync(new() { Timeout = 20_000 });
        await page.GetByRole(AriaRole.Link, new() { Name = "Ledger" }).ClickAsync();
        await Assertions.Expect(page.GetByText("By mirror session")).ToBeVisibleAsync(new() { Timeout = 20_000 });
    }

    private static async Task<IBrowser> LaunchAsync()
    {
        Assert.SkipUnless(File.Exists(Chromium), "Chromium is not installed (apt install chromium)");
        IPlaywright playwright;
        try
        {
            playwright = await Playwright.CreateAsync();
        }
        catch (PlaywrightException e)
        {
            Assert.Skip($"Playwright's driver does not start: {e.Message}");
            throw;
        }

        return await playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = Chromium,
            Args =
            [
                "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync",
            ],
        });
    }

    /// <summary>The overview, signed in; every error that the browser reports (content policy included) is collected.</summary>
    private async Task<(IPage Page, List<string> Faults)> OpenAsync(IBrowser browser)
    {
        var page = await browser.NewPageAsync();
        var faults = new List<string>();
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
            {
                faults.Add(message.Text);
            }
        };
        page.PageError += (_, error) => faults.Add(error);
        await page.GotoAsync($"{console.Address}?token={console.Token}");
        await Assertions.Expect(page.Locator(".engine.well")).ToBeVisibleAsync(new() { Timeout = 20_000 });
        return (page, faults);
    }
}
