// A page or part that is drawn anew with each reading of the engine. It holds no timer and asks nobody: the server's one
// feed tells it, and it leaves the feed when the page is left.
using Microsoft.AspNetCore.Components;
using Tapline.Server.Telemetry;

namespace Tapline.Server.WebConsole;

/// <summary>Base of everything that shows live figures.</summary>
public abstract class LiveComponent : ComponentBase, IDisposable
{
    private LiveFeed? _feed;

    [Inject]
    internal LiveFeed Feed
    {
        get => _feed!;
        set => _feed = value;
    }

    internal LiveState Live => Feed.State;

    public void Dispose()
    {
        Feed.Changed -= OnChanged;
        GC.SuppressFinalize(this);
    }

    protected override void OnInitialized() => Feed.Changed += OnChanged;

    /// <summary>On the circuit's own thread, after a reading and before drawing.</summary>
    protected virtual Task OnReadingAsync() => Task.CompletedTask;

    private void OnChanged() => _ = InvokeAsync(async () =>
    {
        try
        {
            await OnReadingAsync();
            StateHasChanged();
        }
        catch (Exception e) when (e is Microsoft.JSInterop.JSDisconnectedException or TaskCanceledException
            or ObjectDisposedException)
        {
            // The browser left between the reading and its drawing.
        }
    });
}
