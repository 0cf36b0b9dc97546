// Facts of flows and transactions that an expression may ask for. No frame tells them: they stay in the tree for the
// stages that know flows. The names are those of the records.
namespace Tapline.Filter.Tree;

/// <summary>How a field's value is written.</summary>
public enum FieldKind : byte
{
    Text,
    Number,

    /// <summary>Nanoseconds; written with a unit: `200ms`.</summary>
    Duration,

    /// <summary>Bytes; written with or without a unit: `10MiB`.</summary>
    Size,
}

/// <summary>A field of a flow or transaction.</summary>
/// <param name="Name">The word in expressions.</param>
/// <param name="Kind">How its value is written.</param>
public sealed record FlowField(string Name, FieldKind Kind)
{
    /// <summary>All fields.</summary>
    public static IReadOnlyList<FlowField> All { get; } =
    [
        new("app", FieldKind.Text), new("sni", FieldKind.Text), new("server_name", FieldKind.Text), new("alpn", FieldKind.Text),
        new("tls_version", FieldKind.Text), new("ja3", FieldKind.Text), new("ja4", FieldKind.Text),
        new("state", FieldKind.Text), new("end_reason", FieldKind.Text), new("event", FieldKind.Text),
        new("operation", FieldKind.Text),
        new("resource", FieldKind.Text), new("community_id", FieldKind.Text), new("status", FieldKind.Number),
        new("retransmissions", FieldKind.Number), new("out_of_order", FieldKind.Number),
        new("duplicate_acks", FieldKind.Number), new("zero_windows", FieldKind.Number),
        new("lost_segments", FieldKind.Number), new("keep_alives", FieldKind.Number), new("resets", FieldKind.Number),
        new("transactions", FieldKind.Number), new("transaction_errors", FieldKind.Number), new("frames", FieldKind.Number),
        new("bytes", FieldKind.Size), new("payload_bytes", FieldKind.Size), new("request_bytes", FieldKind.Size),
        new("response_bytes", FieldKind.Size), new("latency", FieldKind.Duration), new("duration", FieldKind.Duration),
        new("handshake_rtt", FieldKind.Duration), new("client_rtt", FieldKind.Duration),
        new("server_rtt", FieldKind.Duration), new("server_time", FieldKind.Duration),
    ];

    /// <summary>The field of that name, or null.</summary>
    public static FlowField? Find(string name)
    {
        foreach (var field in All)
        {
            if (field.Name == name)
            {
                return field;
            }
        }

        return null;
    }
}
