// A request as it comes from the engine's socket: untrusted bytes, one line, a flat JSON object. Parsed in place,
// without allocation; whatever is not understood becomes a sentence, never an exception.
using System.Text.Json;

namespace Tapline.Workers;

/// <summary>What a client may ask.</summary>
internal enum ControlVerb : byte
{
    Unknown,
    Snapshot,
    Flows,
    Stop,
}

/// <summary>One parsed request line.</summary>
internal readonly struct ControlRequest
{
    /// <summary>Bytes of a request line at most; a longer one ends the connection.</summary>
    public const int LineBytesMax = 1024;

    /// <summary>Flows in one answer at most.</summary>
    public const int TopMax = 200;

    private const int TopDefault = 20;

    public ControlVerb Verb { get; private init; }

    /// <summary>How many flows are wanted, 1 to <see cref="TopMax"/>.</summary>
    public int Top { get; private init; }

    /// <summary>What is wrong with the request; null when nothing.</summary>
    public string? Mistake { get; private init; }

    /// <summary>Parses one line without its line feed.</summary>
    public static ControlRequest Parse(ReadOnlySpan<byte> line)
    {
        var verb = ControlVerb.Unknown;
        var top = TopDefault;
        try
        {
            var reader = new Utf8JsonReader(line);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return new ControlRequest { Mistake = "A request is one JSON object on one line." };
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isVerb = reader.ValueTextEquals("verb"u8);
                var isTop = reader.ValueTextEquals("top"u8);
                reader.Read();
                if (isVerb && reader.TokenType == JsonTokenType.String)
                {
                    verb = reader.ValueTextEquals("snapshot"u8) ? ControlVerb.Snapshot
                        : reader.ValueTextEquals("flows"u8) ? ControlVerb.Flows
                        : reader.ValueTextEquals("stop"u8) ? ControlVerb.Stop
                        : ControlVerb.Unknown;
                }
                else if (isTop && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var wanted))
                {
                    top = Math.Clamp(wanted, 1, TopMax);
                }
                else
                {
                    reader.Skip();
                }
            }

            if (reader.TokenType != JsonTokenType.EndObject || reader.Read())
            {
                return new ControlRequest { Mistake = "A request is one JSON object on one line." };
            }
        }
        catch (JsonException)
        {
            return new ControlRequest { Mistake = "The request is not JSON." };
        }

        return verb == ControlVerb.Unknown
            ? new ControlRequest { Mistake = "The verb is not known; the engine answers snapshot, flows and stop." }
            : new ControlRequest { Verb = verb, Top = top };
    }
}
