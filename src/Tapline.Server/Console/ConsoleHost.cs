// Puts the console together: door, API, pages, live feed, ingest. Everything of ASP.NET Core and of the database is
// named here and below, never in the verbs, so that `read`, `engine` and `points` start without loading any of it.
using System.Net;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Tapline.Server.Api;
using Tapline.Server.Auth;
using Tapline.Server.Database;
using Tapline.Server.Ingest;
using Tapline.Server.Telemetry;
using Tapline.Store;

namespace Tapline.Server.WebConsole;

/// <summary>Builds and runs one console.</summary>
internal static class ConsoleHost
{
    /// <summary>Time to finish the batch under way and what the engine wrote last.</summary>
    private static readonly TimeSpan s_endingTimeMax = TimeSpan.FromSeconds(45);

    /// <summary>Runs until <paramref name="stop"/>; prints the address on standard output once it listens.</summary>
    /// <returns>The exit code.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static async Task<int> RunAsync(ConsoleOptions options, TextWriter output, CancellationToken stop)
    {
        var token = ConsoleToken.LoadOrCreate(options.Data.ConsoleToken);
        using var store = StoreDatabase.Open(options.Data.Store);
        await using var app = Build(options, token, store);
        try
        {
            await app.StartAsync(stop);
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            await Console.Error.WriteLineAsync(
                $"tapline: {options.Listen} is taken by another program; name another address with --listen.");
            return Commands.ExitCodes.Failed;
        }

        await AnnounceAsync(options, token, app, output);
        await app.WaitForShutdownAsync(stop);
        return Commands.ExitCodes.Ok;
    }

    /// <summary>The whole application, not yet started.</summary>
    internal static WebApplication Build(ConsoleOptions options, ConsoleToken token, StoreDatabase store)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            ApplicationName = typeof(ConsoleHost).Assembly.GetName().Name,
            ContentRootPath = AppContext.BaseDirectory,
            EnvironmentName = Environments.Production,
        });
        Quieten(builder.Logging);
        builder.WebHost.UseStaticWebAssets();
        builder.WebHost.ConfigureKestrel(k =>
        {
            k.AddServerHeader = false;
            k.Limits.MaxRequestBodySize = 64 * 1024;
            k.Listen(options.Listen);
        });
        AddServices(builder.Services, options, token, store);

        var app = builder.Build();
        app.Use(SecurityHeaders.InvokeAsync);
        app.UseExceptionHandler(ApiErrors.HandleException);
        app.Use((context, next) => app.Services.GetRequiredService<Gate>().InvokeAsync(context, next));
        app.UseStatusCodePages(ApiErrors.HandleStatusAsync);
        app.UseAntiforgery();
        app.MapStaticAssets();
        ApiRoutes.Map(app);
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode(
            o => o.ContentSecurityFrameAncestorsPolicy = "'none'");
        return app;
    }

    private static void AddServices(
        IServiceCollection services, ConsoleOptions options, ConsoleToken token, StoreDatabase store)
    {
        services.Configure<HostOptions>(o => o.ShutdownTimeout = s_endingTimeMax);
        services.AddSingleton(options);
        services.AddSingleton(token);
        services.AddSingleton<Gate>();
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(new EngineClient(options.Data.EngineSocket));
        services.AddSingleton<LiveFeed>();
        services.AddHostedService(s => s.GetRequiredService<LiveFeed>());
        services.AddSingleton(store);
        services.AddSingleton<BatchWriter>();
        services.AddSingleton<FlowQueries>();
        services.AddSingleton<LedgerQueries>();
        services.AddSingleton(new SpoolReader(options.Data.Spool));
        services.AddSingleton<SpoolIngestor>();
        services.AddHostedService(s => s.GetRequiredService<SpoolIngestor>());
        services.AddProblemDetails();
        // Keys protect circuits of this run only; nothing of the web server is written to disk.
        services.AddDataProtection().UseEphemeralDataProtectionProvider();
        services.AddRazorComponents().AddInteractiveServerComponents(o => o.DetailedErrors = false);
    }

    /// <summary>One line a message, on standard error, and only what an operator must read.</summary>
    private static void Quieten(ILoggingBuilder logging)
    {
        logging.ClearProviders();
        logging.AddSimpleConsole(c =>
        {
            c.SingleLine = true;
            c.TimestampFormat = "HH:mm:ss ";
            c.ColorBehavior = Microsoft.Extensions.Logging.Console.LoggerColorBehavior.Disabled;
        });
        logging.AddConsole(c => c.LogToStandardErrorThreshold = LogLevel.Trace);
        if (Environment.GetEnvironmentVariable("TAPLINE_TRACE") == "1")
        {
            logging.SetMinimumLevel(LogLevel.Debug);
            return;
        }

        logging.SetMinimumLevel(LogLevel.Information);
        logging.AddFilter("Microsoft", LogLevel.Warning);
        // A refusal that the hosting layer reports is reported once more, in one sentence, by RunAsync.
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);
    }

    private static async Task AnnounceAsync(ConsoleOptions options, ConsoleToken token, WebApplication app, TextWriter output)
    {
        // The port may have been chosen by the kernel (--listen 127.0.0.1:0).
        var address = app.Urls.FirstOrDefault() ?? $"http://{options.Listen}";
        if (token.IsNew)
        {
            await output.WriteLineAsync($"console: {address}/?token={token.Text}");
            await output.WriteLineAsync($"         (shown once; kept in {options.Data.ConsoleToken})");
        }
        else
        {
            await output.WriteLineAsync($"console: {address}/ (token in {options.Data.ConsoleToken})");
        }

        await output.FlushAsync();
        if (!IPAddress.IsLoopback(options.Listen.Address))
        {
            await Console.Error.WriteLineAsync(
                $"tapline: warning: {options.Listen} is reachable from other hosts and speaks plain HTTP; whoever reads"
                + " the wire reads the token. Bind to loopback and use SSH or a TLS proxy.");
        }
    }
}
