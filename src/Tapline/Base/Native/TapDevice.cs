// A tap device that lives as long as its descriptor: the one kind of interface that the kernel removes when its maker dies,
// however that dies, and with it whatever stands on it. It is never up and nobody reads it. In: a pattern for its name. Out:
// name and index. Owner of the descriptor. Control threads.
using System.Text;
using Tapline.Base.Kernel;

namespace Tapline.Base.Native;

/// <summary>Owns a tap device; Dispose removes it.</summary>
internal sealed unsafe class TapDevice : IDisposable
{
    private const string ControlFile = "/dev/net/tun";
    private const int O_RDWR = 2;
    private const int O_CLOEXEC = 0x80000;
    private readonly FileDescriptor _file;

    private TapDevice(FileDescriptor file, string name, int index)
    {
        _file = file;
        Name = name;
        Index = index;
    }

    public string Name { get; }

    /// <summary>Kernel index in the namespace of the thread that made it.</summary>
    public int Index { get; }

    /// <summary>Why no tap device can be made here; null when one can as far as is known. Makes none.</summary>
    public static string? FindProblem()
    {
        using var file = OpenControl(out var error);
        return file is null ? error : null;
    }

    /// <summary>Makes one; null and one sentence when the kernel refuses.</summary>
    /// <param name="pattern">Its name with %d for a number that is free.</param>
    /// <param name="error">Why not.</param>
    public static TapDevice? Make(string pattern, out string error)
    {
        Invariant.Check(pattern.Length < ifreq_tun.IFNAMSIZ);
        if (OpenControl(out error) is not { } file)
        {
            return null;
        }

        var request = new ifreq_tun { ifr_flags = IfTun.IFF_TAP | IfTun.IFF_NO_PI };
        Encoding.ASCII.GetBytes(pattern, new Span<byte>(request.ifr_name, ifreq_tun.IFNAMSIZ - 1));
        if (SystemCalls.DeviceControl(file.Number, IfTun.TUNSETIFF, &request) != 0)
        {
            error = $"the kernel makes no tap device ({SystemError.Describe(SystemCalls.LastError)})";
            file.Dispose();
            return null;
        }

        var bytes = new ReadOnlySpan<byte>(request.ifr_name, ifreq_tun.IFNAMSIZ);
        var name = Encoding.ASCII.GetString(bytes[..Math.Max(0, bytes.IndexOf((byte)0))]);
        return new TapDevice(file, name, InterfaceIndex.Of(name));
    }

    public void Dispose() => _file.Dispose();

    private static FileDescriptor? OpenControl(out string error)
    {
        var file = new FileDescriptor(SystemCalls.OpenFile(ControlFile, O_RDWR | O_CLOEXEC, 0));
        if (!file.IsInvalid)
        {
            error = "";
            return file;
        }

        var errno = SystemCalls.LastError;
        error = errno is SystemCalls.ENOENT or SystemCalls.ENODEV
            ? $"there is no {ControlFile} here (`modprobe tun`; in a container let the host pass it in)"
            : $"{ControlFile} does not open ({SystemError.Describe(errno)})";
        file.Dispose();
        return null;
    }
}
