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

    /// <summary>Asks the engine to drain and end.</summary>
    void RequestStop();
}
