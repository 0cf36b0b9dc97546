// A tap device, as a tool VM has one: frames sent to it wait for whoever reads the device, and are refused when too
// many do. Opened inside a namespace. Owner: the test; the device vanishes with the descriptor.
using System.Runtime.InteropServices;
using Tapline.Lab.Net;

namespace Tapline.Lab.Mirror;

/// <summary>A tap device that nobody reads until the test does.</summary>
internal sealed partial class TapDevice : IDisposable
{
    private const int O_RDWR = 2;
    private const int O_NONBLOCK = 0x800;
    private const nuint TUNSETIFF = 0x400454ca;
    private const short IFF_TAP = 0x0002;
    private const short IFF_NO_PI = 0x1000;
    private readonly int _fd;

    private TapDevice(int fd) => _fd = fd;

    public static TapDevice Open(NetNamespace space, string name)
    {
        var fd = space.Enter(() => open("/dev/net/tun", O_RDWR | O_NONBLOCK));
        if (fd < 0)
        {
            Xunit.Assert.Skip("needs /dev/net/tun: makes a tap device");
        }

        var request = new byte[40];
        System.Text.Encoding.ASCII.GetBytes(name, request);
        BitConverter.TryWriteBytes(request.AsSpan(16), (short)(IFF_TAP | IFF_NO_PI));
        if (ioctl(fd, TUNSETIFF, request) != 0)
        {
            throw new InvalidOperationException($"TUNSETIFF: errno {Marshal.GetLastPInvokeError()}");
        }

        space.Run("sysctl", "-q", "-w", $"net.ipv6.conf.{name}.disable_ipv6=1");
        space.Ip("link", "set", name, "up");
        return new TapDevice(fd);
    }

    /// <summary>Reads what waits and returns the number of frames.</summary>
    public long ReadAll()
    {
        var buffer = new byte[70_000];
        var frames = 0L;
        while (read(_fd, buffer, buffer.Length) > 0)
        {
            frames++;
        }

        return frames;
    }

    public void Dispose() => _ = close(_fd);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int fd, nuint request, byte[] argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(int fd, [Out] byte[] buffer, nint length);

    [LibraryImport("libc")]
    private static partial int close(int fd);
}
