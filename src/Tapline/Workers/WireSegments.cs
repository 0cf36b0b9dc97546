// How many frames a GSO super-frame would have been on a wire (virtio_net_hdr of <linux/virtio_net.h>).
using Tapline.Base;
using Tapline.Decode;

namespace Tapline.Workers;

/// <summary>Counts the wire segments that a captured frame stands for.</summary>
public static class WireSegments
{
    /// <summary>1 for an ordinary frame; for a super-frame its payload over the segment size, rounded up.</summary>
    public static int Count(in FrameMeta meta, in FrameLayout layout)
    {
        if (meta.GsoSize == 0)
        {
            return 1;
        }

        // UFO cuts the UDP datagram with its header into IP fragments; the others repeat all headers on each segment.
        var isFragmented = (meta.GsoType & ~GsoType.Ecn) == GsoType.Udp;
        var start = isFragmented ? layout.TransportOffset : layout.PayloadOffset;
        var payload = meta.OriginalLength - start;
        return payload <= meta.GsoSize ? 1 : (payload + meta.GsoSize - 1) / meta.GsoSize;
    }
}
