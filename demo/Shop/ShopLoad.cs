// The shop's customers: a steady, light stream of requests, the same mix in the same order every time (fixed seed).
// Every now and then one is slow or fails, as in life. SIGTERM ends it: requests under way finish, connections close.
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Shop;

/// <summary>The load generator.</summary>
internal static class ShopLoad
{
    private static int s_requests;
    private static int s_ok;
    private static int s_notFound;
    private static int s_failed;

    public static async Task<int> RunAsync(string web, double perSecond)
    {
        using var stop = new CancellationTokenSource();
        void OnSignal(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }

        using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        using (var handler = new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromSeconds(5), MaxConnectionsPerServer = 8 })
        using (var client = new HttpClient(handler) { BaseAddress = new Uri(web), Timeout = TimeSpan.FromSeconds(10) })
        {
            await SendAsync(client, perSecond, stop.Token);
        }

        Console.WriteLine(JsonSerializer.Serialize(new { requests = s_requests, ok = s_ok, not_found = s_notFound, failed = s_failed }));
        return 0;
    }

    private static async Task SendAsync(HttpClient client, double perSecond, CancellationToken stop)
    {
        var random = new Random(1);
        var underWay = new List<Task>();
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1 / perSecond));
        for (var n = 0; await WaitAsync(timer, stop); n++)
        {
            underWay.RemoveAll(task => task.IsCompleted);
            underWay.Add(OneAsync(client, n, random.Next(1, 501), $"user{random.Next(1, 21)}"));
        }

        await Task.WhenAll(underWay);
    }

    private static async Task OneAsync(HttpClient client, int n, int product, string user)
    {
        var (method, path) = (n % 40) switch
        {
            7 => (HttpMethod.Get, "/report"),
            17 => (HttpMethod.Get, "/product/999999"),
            27 => (HttpMethod.Get, "/broken"),
            37 => (HttpMethod.Get, "/nowhere"),
            3 or 13 or 23 => (HttpMethod.Post, $"/cart/{user}/{product}"),
            33 => (HttpMethod.Post, $"/order/{user}"),
            var r when r % 10 == 5 => (HttpMethod.Get, "/static/picture.bin"),
            var r when r % 2 == 0 => (HttpMethod.Get, $"/product/{product}"),
            _ => (HttpMethod.Get, $"/catalog?page={product % 10}"),
        };
        Interlocked.Increment(ref s_requests);
        try
        {
            using var request = new HttpRequestMessage(method, path);
            request.Headers.ConnectionClose = n % 11 == 0;
            using var response = await client.SendAsync(request);
            await response.Content.ReadAsByteArrayAsync();
            var status = (int)response.StatusCode;
            Interlocked.Increment(ref status == 404 ? ref s_notFound : ref status >= 500 ? ref s_failed : ref s_ok);
        }
        catch (Exception problem) when (problem is HttpRequestException or TaskCanceledException)
        {
            Interlocked.Increment(ref s_failed);
        }
    }

    private static async Task<bool> WaitAsync(PeriodicTimer timer, CancellationToken stop)
    {
        try
        {
            return await timer.WaitForNextTickAsync(stop);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
