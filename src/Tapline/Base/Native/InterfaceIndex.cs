// Names of interfaces to kernel indices, <net/if.h>, in the caller's network namespace.
using System.Runtime.InteropServices;

namespace Tapline.Base.Native;

/// <summary>Looks up interfaces by name. Any thread.</summary>
public static partial class InterfaceIndex
{
    /// <summary>The interface's index, or 0 when there is none of that name.</summary>
    public static int Of(string name) => (int)IfNameToIndex(name);

    [LibraryImport("libc", EntryPoint = "if_nametoindex", StringMarshalling = StringMarshalling.Utf8)]
    private static partial uint IfNameToIndex(string name);
}
