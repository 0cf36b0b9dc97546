// Each frame gets exactly one verdict and each verdict has a counter: nothing is skipped silently.
namespace Tapline.Decode;

/// <summary>How far a frame could be decoded, and why not further.</summary>
public enum DecodeVerdict : byte
{
    /// <summary>
    /// Decoded down to a transport header (TCP, UDP, ICMP, SCTP, …) or a transport that has no parser here.
    /// </summary>
    Transport = 0,

    /// <summary>A later fragment of an IP packet: addresses known, ports on the first fragment.</summary>
    Fragment = 1,

    /// <summary>
    /// An IP packet whose next header is not a transport that is parsed (ESP, OSPF, no next header, …).
    /// </summary>
    Network = 2,

    /// <summary>A frame without IP: ARP, STP, LLDP, other EtherTypes. Counted as a layer-2 flow.</summary>
    Link = 3,

    /// <summary>The link type has no decoder (802.11, USB, …).</summary>
    UndecodableLink = 4,

    /// <summary>Captured bytes end inside a header that the original frame had whole (slicing, snap length).</summary>
    Cut = 5,

    /// <summary>The frame itself ends inside a header: shorter than its own lengths say.</summary>
    Truncated = 6,

    /// <summary>
    /// A header's length field contradicts itself (IHL below 5, total length below header, data offset, …).
    /// </summary>
    BadLength = 7,

    /// <summary>A version field that must not be (IP version neither 4 nor 6 where IP was announced).</summary>
    BadVersion = 8,

    /// <summary>More tunnels or extension headers than the bound.</summary>
    TooDeep = 9,
}
