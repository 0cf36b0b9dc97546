// A request as it comes from the engine's socket: untrusted bytes, one line, a flat JSON object. Parsed in place,
// without allocation but for orders; whatever is not understood becomes a sentence, never an exception.
using System.Text.Json;

namespace Tapline.Workers;

/// <summary>What a client may ask.</summary>
internal enum ControlVerb : byte
{
    Unknown,
    Snapshot,
    Flows,
    Stop,

    /// <summary>List the mirror sessions.</summary>
    Mirrors,
    MirrorAdd,
    MirrorRemove,
}

/// <summary>One parsed request line.</summary>
internal readonly struct ControlRequest
{
    /// <summary>Bytes of a request line at most; a longer one ends the connection.</summary>
    public const int LineBytesMax = 16 * 1024;

    /// <summary>Flows in one answer at most.</summary>
    public const int TopMax = 200;

    private const int TopDefault = 20;

    public ControlVerb Verb { get; private init; }

    /// <summary>How many flows are wanted, 1 to <see cref="TopMax"/>.</summary>
    public int Top { get; private init; }

    /// <summary>The session to add.</summary>
    public MirrorPlan? Mirror { get; private init; }

    /// <summary>Name of the session to remove.</summary>
    public string? Session { get; private init; }

    /// <summary>What is wrong with the request; null when nothing.</summary>
    public string? Mistake { get; private init; }

    /// <summary>Parses one line without its line feed.</summary>
    public static ControlRequest Parse(ReadOnlySpan<byte> line)
    {
        var verb = ControlVerb.Unknown;
        var top = TopDefault;
        MirrorPlan? mirror = null;
        string? session = null;
        string? mistake = null;
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
                var isMirror = reader.ValueTextEquals("mirror"u8);
                var isSession = reader.ValueTextEquals("session"u8);
                reader.Read();
                if (isVerb && reader.TokenType == JsonTokenType.String)
                {
                    verb = VerbOf(reader);
                }
                else if (isTop && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var wanted))
                {
                    top = Math.Clamp(wanted, 1, TopMax);
                }
                else if (isMirror)
                {
                    mirror = MirrorPlanJson.Read(ref reader, out mistake);
                    reader.Skip();
                }
                else if (isSession && reader.TokenType == JsonTokenType.String)
                {
                    session = reader.GetString();
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
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second: text that is no Unicode.
            return new ControlRequest { Mistake = "The request is not JSON." };
        }

        mistake = verb switch
        {
            ControlVerb.Unknown =>
                "The verb is not known; the engine answers snapshot, flows, mirrors, mirror_add, mirror_remove and stop.",
            ControlVerb.MirrorAdd when mirror is null => mistake ?? "mirror_add wants the session to add as mirror.",
            ControlVerb.MirrorRemove when session is null => "mirror_remove wants the name of a session.",
            _ => null,
        };
        return mistake is null
            ? new ControlRequest { Verb = verb, Top = top, Mirror = mirror, Session = session }
            : new ControlRequest { Mistake = mistake };
    }

    private static ControlVerb VerbOf(in Utf8JsonReader reader) =>
        reader.ValueTextEquals("snapshot"u8) ? ControlVerb.Snapshot
        : reader.ValueTextEquals("flows"u8) ? ControlVerb.Flows
        : reader.ValueTextEquals("stop"u8) ? ControlVerb.Stop
        : reader.ValueTextEquals("mirrors"u8) ? ControlVerb.Mirrors
        : reader.ValueTextEquals("mirror_add"u8) ? ControlVerb.MirrorAdd
        : reader.ValueTextEquals("mirror_remove"u8) ? ControlVerb.MirrorRemove
        : ControlVerb.Unknown;
}
