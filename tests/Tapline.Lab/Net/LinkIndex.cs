// The index of an interface in the calling thread's network namespace (net/if.h).
using System.Runtime.InteropServices;

namespace Tapline.Lab.Net;

/// <summary>if_nametoindex(3).</summary>
public static partial class LinkIndex
{
    public static int Of(string device) => if_nametoindex(device) is var index and not 0
        ? (int)index
        : throw new InvalidOperationException($"no interface {device} here");

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial uint if_nametoindex(string device);
}
