// The fields that stand twice in a flow's JSON, once for each side: their names are made once.
using System.Globalization;
using System.Text.Json;

namespace Tapline.Store;

/// <summary>Field names of one side (`initiator_…` or `responder_…`) and the writing of them.</summary>
internal sealed class FlowJsonSide(string side)
{
    private readonly JsonEncodedText _ip = Name(side, "ip");
    private readonly JsonEncodedText _mac = Name(side, "mac");
    private readonly JsonEncodedText _frames = Name(side, "frames");
    private readonly JsonEncodedText _segments = Name(side, "segments");
    private readonly JsonEncodedText _bytes = Name(side, "bytes");
    private readonly JsonEncodedText _payloadBytes = Name(side, "payload_bytes");
    private readonly JsonEncodedText _ttl = Name(side, "ttl");
    private readonly JsonEncodedText _dscp = Name(side, "dscp");
    private readonly JsonEncodedText _cutFrames = Name(side, "cut_frames");
    private readonly JsonEncodedText _retransmissions = Name(side, "retransmissions");
    private readonly JsonEncodedText _fastRetransmissions = Name(side, "fast_retransmissions");
    private readonly JsonEncodedText _spuriousRetransmissions = Name(side, "spurious_retransmissions");
    private readonly JsonEncodedText _resentSegments = Name(side, "resent_segments");
    private readonly JsonEncodedText _outOfOrder = Name(side, "out_of_order");
    private readonly JsonEncodedText _duplicateAcks = Name(side, "duplicate_acks");
    private readonly JsonEncodedText _zeroWindows = Name(side, "zero_windows");
    private readonly JsonEncodedText _zeroWindowProbes = Name(side, "zero_window_probes");
    private readonly JsonEncodedText _windowFulls = Name(side, "window_fulls");
    private readonly JsonEncodedText _lostSegments = Name(side, "lost_segments");
    private readonly JsonEncodedText _unseenAcks = Name(side, "unseen_acks");
    private readonly JsonEncodedText _keepAlives = Name(side, "keep_alives");
    private readonly JsonEncodedText _resets = Name(side, "resets");
    private readonly JsonEncodedText _syns = Name(side, "syns");
    private readonly JsonEncodedText _fins = Name(side, "fins");
    private readonly JsonEncodedText _mss = Name(side, "mss_bytes");

    public JsonEncodedText Port { get; } = Name(side, "port");

    public JsonEncodedText Vm { get; } = Name(side, "vm");

    public void WriteEndpoint(Utf8JsonWriter json, IpAddress16 ip, ulong mac)
    {
        if (!ip.IsNone)
        {
            Span<char> text = stackalloc char[FlowJsonText.AddressLength];
            json.WriteString(_ip, text[..FlowJsonText.FormatAddress(ip, text)]);
        }

        if (mac != 0)
        {
            Span<char> text = stackalloc char[17];
            for (var i = 0; i < 6; i++)
            {
                ((byte)(mac >> (40 - (8 * i)))).TryFormat(text[(3 * i)..], out _, "x2", CultureInfo.InvariantCulture);
                if (i < 5)
                {
                    text[(3 * i) + 2] = ':';
                }
            }

            json.WriteString(_mac, text);
        }
    }

    public void WriteCounts(Utf8JsonWriter json, in DirectionCounts counts, bool isTcp)
    {
        json.WriteNumber(_frames, counts.Frames);
        json.WriteNumber(_segments, counts.Segments);
        json.WriteNumber(_bytes, counts.Bytes);
        json.WriteNumber(_payloadBytes, counts.PayloadBytes);
        if (counts.Frames > 0 && counts.Ttl != 0)
        {
            json.WriteNumber(_ttl, counts.Ttl);
            json.WriteNumber(_dscp, counts.TrafficClass >> 2);
        }

        if (counts.CutFrames > 0)
        {
            json.WriteNumber(_cutFrames, counts.CutFrames);
        }

        if (isTcp)
        {
            WriteTcp(json, counts);
        }
    }

    private void WriteTcp(Utf8JsonWriter json, in DirectionCounts counts)
    {
        json.WriteNumber(_retransmissions, counts.Retransmissions);
        json.WriteNumber(_fastRetransmissions, counts.FastRetransmissions);
        json.WriteNumber(_spuriousRetransmissions, counts.SpuriousRetransmissions);
        json.WriteNumber(_resentSegments, counts.ResentSegments);
        json.WriteNumber(_outOfOrder, counts.OutOfOrder);
        json.WriteNumber(_duplicateAcks, counts.DuplicateAcks);
        json.WriteNumber(_zeroWindows, counts.ZeroWindows);
        json.WriteNumber(_zeroWindowProbes, counts.ZeroWindowProbes);
        json.WriteNumber(_windowFulls, counts.WindowFulls);
        json.WriteNumber(_lostSegments, counts.LostSegments);
        json.WriteNumber(_unseenAcks, counts.UnseenAcks);
        json.WriteNumber(_keepAlives, counts.KeepAlives);
        json.WriteNumber(_resets, counts.Resets);
        json.WriteNumber(_syns, counts.Syns);
        json.WriteNumber(_fins, counts.Fins);
        if (counts.MaximumSegmentSize != 0)
        {
            json.WriteNumber(_mss, counts.MaximumSegmentSize);
        }
    }

    private static JsonEncodedText Name(string side, string field) => JsonEncodedText.Encode($"{side}_{field}");
}
