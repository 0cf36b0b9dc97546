// Ctrl-C and SIGTERM as a token: the first one asks to end (rings drained, files closed), a second Ctrl-C does not wait.
// SIGHUP ends too: a terminal that closes must not leave an engine behind.
using System.Runtime.InteropServices;

namespace Tapline.Server.Commands;

/// <summary>Turns termination signals into a <see cref="CancellationToken"/>. Dispose gives the defaults back.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;

    public StopSignals()
    {
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal),
            PosixSignalRegistration.Create(PosixSignal.SIGHUP, OnSignal),
        ];
    }

    /// <summary>Cancelled at the first signal.</summary>
    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _source.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        // Not cancelling the context lets the runtime end the process at once: that is what a second signal is for.
        context.Cancel = !_source.IsCancellationRequested;
        _source.Cancel();
    }
}
