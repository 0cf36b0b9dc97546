// A tun or tap device of the test process's own (<linux/if_tun.h>): stands for a VM's NIC. Opened inside a namespace.
using System.Text;
using Tapline.Base.Native;

namespace Tapline.Lab.Capture;

/// <summary>A tun (routed) or tap (Ethernet) device, gone with Dispose.</summary>
internal sealed unsafe class TunDevice : IDisposable
{
    private const ulong TUNSETIFF = 0x400454CA;
    private const ushort IFF_TUN = 1;
    private const ushort IFF_TAP = 2;
    private const ushort IFF_NO_PI = 0x1000;
    private const int O_RDWR = 2;
    private readonly FileDescriptor _device;

    public TunDevice(string name, bool isTap)
    {
        _device = new FileDescriptor(SystemCalls.OpenFile("/dev/net/tun", O_RDWR, 0));
        var request = stackalloc byte[40];
        new Span<byte>(request, 40).Clear();
        Encoding.ASCII.GetBytes(name, new Span<byte>(request, 15));
        *(ushort*)(request + 16) = (ushort)((isTap ? IFF_TAP : IFF_TUN) | IFF_NO_PI);
        if (SystemCalls.DeviceControl(_device.Number, TUNSETIFF, request) != 0)
        {
            throw new InvalidOperationException($"tun: {SystemError.Describe(SystemCalls.LastError)}");
        }
    }

    /// <summary>What the VM sends.</summary>
    public void Write(ReadOnlySpan<byte> frame)
    {
        fixed (byte* pointer = frame)
        {
            if (SystemCalls.WriteAt(_device.Number, pointer, (nuint)frame.Length, 0) != frame.Length)
            {
                throw new InvalidOperationException($"write: {SystemError.Describe(SystemCalls.LastError)}");
            }
        }
    }

    public void Dispose() => _device.Dispose();
}
