// What the control socket asks of the engine. Called on the control thread only.
using System.Text.Json;

namespace Tapline.Workers;

/// <summary>Writes answers as JSON objects; allocation-free in the steady state.</summary>
internal interface IControlAnswers
{
    /// <summary>Writes the snapshot object of docs/formats/engine-socket.md.</summary>
    void WriteSnapshot(Utf8JsonWriter json);

    /// <summary>Writes the busiest live flows.</summary>
    void WriteFlows(Utf8JsonWriter json, int top);

    /// <summary>Goes once through what <see cref="WriteFlows"/> does, without asking the workers.</summary>
    void WarmUp(Utf8JsonWriter json);

    /// <summary>Writes the mirror sessions in force: their orders, state and counts.</summary>
    void WriteMirrors(Utf8JsonWriter json);

    /// <summary>Adds a mirror session; one sentence when it cannot run, and then nothing has changed.</summary>
    string? AddMirror(MirrorPlan plan);

    /// <summary>Ends a mirror session; one sentence when there is none of that name.</summary>
    string? RemoveMirror(string session);

    /// <summary>Asks the engine to drain and end.</summary>
    void RequestStop();
}
