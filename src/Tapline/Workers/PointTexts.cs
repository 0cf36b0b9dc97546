// The unchanging part of each point in a snapshot, encoded when the points change and not again.
using System.Text.Json;

namespace Tapline.Workers;

/// <summary>Encoded names of points. Control thread only.</summary>
internal sealed class PointTexts
{
    private Entry[] _entries = [];
    private object? _of;

    /// <summary>Encodes anew when the view's list of points is another one.</summary>
    public void Follow(LedgerView view)
    {
        if (ReferenceEquals(_of, view.Points))
        {
            return;
        }

        _of = view.Points;
        _entries = new Entry[view.Points.Count];
        for (var i = 0; i < _entries.Length; i++)
        {
            var live = view.Points[i];
            _entries[i] = new Entry(
                live.Point.Id,
                JsonEncodedText.Encode(live.Point.Name),
                JsonEncodedText.Encode(PointNames.Kind(live.Point.Kind)),
                JsonEncodedText.Encode(PointNames.State(live.State)),
                live.Point.Switch is { } s ? JsonEncodedText.Encode(s) : null,
                live.Point.Vm is { } vm ? JsonEncodedText.Encode(vm) : null);
        }
    }

    /// <summary>Writes the identity of the n-th point.</summary>
    public void Write(Utf8JsonWriter json, int index)
    {
        var entry = _entries[index];
        json.WriteNumber("id"u8, entry.Id);
        json.WriteString("point"u8, entry.Name);
        json.WriteString("kind"u8, entry.Kind);
        if (entry.Switch is { } s)
        {
            json.WriteString("switch"u8, s);
        }

        if (entry.Vm is { } vm)
        {
            json.WriteString("vm"u8, vm);
        }

        json.WriteString("state"u8, entry.State);
    }

    private sealed record Entry(
        ushort Id, JsonEncodedText Name, JsonEncodedText Kind, JsonEncodedText State, JsonEncodedText? Switch, JsonEncodedText? Vm);
}
