// libvirt's C library, where it is installed: only the calls that look. Nothing here changes a machine; connections are opened
// read-only. Kept to what libvirt 1.2.9 (2014) already had, but for the ids of newer events.
// Text comes back as UTF-8 that the caller frees with libc's free(3), as libvirt's documentation has it.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tapline.Capture.Identity;

/// <summary>Entry points of libvirt.so.0. Libvirt thread only, but for <see cref="IsAvailable"/>.</summary>
internal static unsafe partial class LibvirtCalls
{
    /// <summary>virDomainEventID of libvirt-domain.h.</summary>
    public const int VIR_DOMAIN_EVENT_ID_LIFECYCLE = 0;
    public const int VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED = 15;
    public const int VIR_DOMAIN_EVENT_ID_DEVICE_ADDED = 19;
    public const int VIR_DOMAIN_EVENT_ID_METADATA_CHANGE = 23;

    /// <summary>VIR_UUID_STRING_BUFLEN of libvirt-host.h: 36 characters and the closing zero.</summary>
    public const int UuidBytes = 37;

    private const string Library = "libvirt.so.0";
    private static readonly Lazy<bool> s_available = new(() => NativeLibrary.TryLoad(Library, out _));

    /// <summary>True when the library is installed. Loads it.</summary>
    public static bool IsAvailable => s_available.Value;

    [LibraryImport(Library, EntryPoint = "virInitialize")]
    public static partial int Initialize();

    [LibraryImport(Library, EntryPoint = "virEventRegisterDefaultImpl")]
    public static partial int EventRegisterDefault();

    /// <summary>Waits for one thing to happen and handles it: callbacks are called on the calling thread.</summary>
    [LibraryImport(Library, EntryPoint = "virEventRunDefaultImpl")]
    public static partial int EventRunDefault();

    [LibraryImport(Library, EntryPoint = "virEventAddTimeout")]
    public static partial int EventAddTimeout(
        int frequencyMs, delegate* unmanaged[Cdecl]<int, nint, void> callback, nint opaque, nint free);

    /// <summary>Any thread; wakes the loop.</summary>
    [LibraryImport(Library, EntryPoint = "virEventUpdateTimeout")]
    public static partial void EventUpdateTimeout(int timer, int frequencyMs);

    [LibraryImport(Library, EntryPoint = "virEventRemoveTimeout")]
    public static partial int EventRemoveTimeout(int timer);

    /// <summary>Who is told of errors; without, the library prints them to standard error.</summary>
    [LibraryImport(Library, EntryPoint = "virSetErrorFunc")]
    public static partial void SetErrorFunction(nint opaque, delegate* unmanaged[Cdecl]<nint, nint, void> function);

    [LibraryImport(Library, EntryPoint = "virGetLastErrorMessage")]
    public static partial nint LastErrorMessage();

    [LibraryImport(Library, EntryPoint = "virConnectOpenReadOnly", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint ConnectOpenReadOnly(string uri);

    [LibraryImport(Library, EntryPoint = "virConnectClose")]
    public static partial int ConnectClose(nint connection);

    /// <summary>1 while the connection stands.</summary>
    [LibraryImport(Library, EntryPoint = "virConnectIsAlive")]
    public static partial int ConnectIsAlive(nint connection);

    /// <summary>All domains, running or not; the caller frees each and the array. -1 after an error.</summary>
    [LibraryImport(Library, EntryPoint = "virConnectListAllDomains")]
    public static partial int ConnectListAllDomains(nint connection, nint** domains, uint flags);

    /// <summary>The callback's type depends on the event. A number for deregistering, or -1.</summary>
    [LibraryImport(Library, EntryPoint = "virConnectDomainEventRegisterAny")]
    public static partial int ConnectDomainEventRegisterAny(
        nint connection, nint domain, int eventId, void* callback, nint opaque, nint free);

    [LibraryImport(Library, EntryPoint = "virConnectDomainEventDeregisterAny")]
    public static partial int ConnectDomainEventDeregisterAny(nint connection, int callback);

    [LibraryImport(Library, EntryPoint = "virDomainLookupByUUIDString", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint DomainLookup(nint connection, string uuid);

    [LibraryImport(Library, EntryPoint = "virDomainGetUUIDString")]
    public static partial int DomainUuid(nint domain, byte* text);

    [LibraryImport(Library, EntryPoint = "virDomainGetXMLDesc")]
    public static partial byte* DomainXml(nint domain, uint flags);

    [LibraryImport(Library, EntryPoint = "virDomainFree")]
    public static partial int DomainFree(nint domain);

    [LibraryImport("libc", EntryPoint = "free")]
    public static partial void Free(void* memory);

    /// <summary>Keeps the library from writing to standard error: what matters becomes a notice.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static void Silence(nint opaque, nint error)
    {
    }
}
