// One owner for a kernel descriptor: closed by Dispose, or by the finalizer when an owner forgot it.
using Microsoft.Win32.SafeHandles;

namespace Tapline.Base.Native;

/// <summary>Owns a file descriptor (socket, BPF program, BPF map).</summary>
internal sealed class FileDescriptor : SafeHandleMinusOneIsInvalid
{
    /// <summary>Takes ownership of <paramref name="descriptor"/>; -1 is an invalid handle.</summary>
    public FileDescriptor(int descriptor)
        : base(ownsHandle: true) => SetHandle(descriptor);

    /// <summary>The number, valid while this object is not disposed.</summary>
    public int Number => (int)handle;

    protected override bool ReleaseHandle() => SystemCalls.Close((int)handle) == 0;
}
