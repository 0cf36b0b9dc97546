// One read-only connection to a libvirt daemon: its domains, and which of them something happened to.
// Owner: LibvirtFollower. Everything happens on the libvirt thread; the callbacks too. Dispose deregisters and closes.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Tapline.Base;

namespace Tapline.Capture.Identity;

/// <summary>An open connection.</summary>
internal sealed unsafe class LibvirtConnection : IDisposable
{
    private readonly nint _connection;
    private readonly Action _changed;
    private readonly List<int> _callbacks = [];
    private readonly GCHandle _self;
    private bool _isDisposed;

    private LibvirtConnection(nint connection, Action changed)
    {
        _connection = connection;
        _changed = changed;
        _self = GCHandle.Alloc(this);
    }

    /// <summary>UUIDs of domains that changed since they were looked up; the owner takes them out.</summary>
    public HashSet<string> Changed { get; } = [];

    public bool IsAlive => LibvirtCalls.ConnectIsAlive(_connection) == 1;

    /// <summary>
    /// Connects and asks for events; null and libvirt's own words when it cannot. <paramref name="changed"/> is called on the
    /// libvirt thread after each event.
    /// </summary>
    public static LibvirtConnection? Open(string uri, Action changed, out string error)
    {
        var handle = LibvirtCalls.ConnectOpenReadOnly(uri);
        if (handle == 0)
        {
            error = LastError();
            return null;
        }

        var connection = new LibvirtConnection(handle, changed);
        connection.Register(LibvirtCalls.VIR_DOMAIN_EVENT_ID_LIFECYCLE,
            (delegate* unmanaged[Cdecl]<nint, nint, int, int, nint, int>)&OnLifecycle);
        var device = (delegate* unmanaged[Cdecl]<nint, nint, nint, nint, void>)&OnDevice;
        connection.Register(LibvirtCalls.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, device);
        connection.Register(LibvirtCalls.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, device);
        connection.Register(LibvirtCalls.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
            (delegate* unmanaged[Cdecl]<nint, nint, int, nint, nint, void>)&OnMetadata);
        error = "";
        return connection;
    }

    /// <summary>All domains by UUID; null and libvirt's own words when it does not say.</summary>
    public Dictionary<string, LibvirtDomain>? ReadAll(out string error)
    {
        nint* domains;
        var count = LibvirtCalls.ConnectListAllDomains(_connection, &domains, 0);
        if (count < 0)
        {
            error = LastError();
            return null;
        }

        var found = new Dictionary<string, LibvirtDomain>();
        for (var i = 0; i < count; i++)
        {
            if (found.Count < Limits.LibvirtDomainsMax && Describe(domains[i]) is { } domain)
            {
                found[UuidOf(domains[i])] = domain;
            }

            LibvirtCalls.DomainFree(domains[i]);
        }

        LibvirtCalls.Free(domains);
        error = "";
        return found;
    }

    /// <summary>One domain as it is now; null when it is gone.</summary>
    public LibvirtDomain? Read(string uuid)
    {
        var handle = LibvirtCalls.DomainLookup(_connection, uuid);
        if (handle == 0)
        {
            return null;
        }

        var domain = Describe(handle);
        LibvirtCalls.DomainFree(handle);
        return domain;
    }

    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        foreach (var callback in _callbacks)
        {
            LibvirtCalls.ConnectDomainEventDeregisterAny(_connection, callback);
        }

        LibvirtCalls.ConnectClose(_connection);
        // No callback runs any more: they run on this thread only.
        _self.Free();
    }

    private static string LastError() =>
        Points.HostileText.Clean(Marshal.PtrToStringUTF8(LibvirtCalls.LastErrorMessage()) ?? "it does not say why");

    // An old daemon or driver may not know an event; the periodic look finds what it would have told.
    private void Register(int eventId, void* callback)
    {
        var number = LibvirtCalls.ConnectDomainEventRegisterAny(
            _connection, 0, eventId, callback, GCHandle.ToIntPtr(_self), 0);
        if (number >= 0)
        {
            _callbacks.Add(number);
        }
    }

    private static LibvirtDomain? Describe(nint domain)
    {
        var xml = LibvirtCalls.DomainXml(domain, 0);
        if (xml is null)
        {
            return null;
        }

        var bytes = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(xml);
        var described = bytes.Length > Limits.LibvirtXmlCharactersMax ? null : LibvirtXml.Parse(Encoding.UTF8.GetString(bytes));
        LibvirtCalls.Free(xml);
        return described;
    }

    private static string UuidOf(nint domain)
    {
        var text = stackalloc byte[LibvirtCalls.UuidBytes];
        return LibvirtCalls.DomainUuid(domain, text) == 0 ? Marshal.PtrToStringUTF8((nint)text)! : "";
    }

    private void Note(nint domain)
    {
        Changed.Add(UuidOf(domain));
        _changed();
    }

    private static void Note(nint domain, nint self)
    {
        if (GCHandle.FromIntPtr(self).Target is LibvirtConnection { _isDisposed: false } connection)
        {
            connection.Note(domain);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnLifecycle(nint connection, nint domain, int what, int detail, nint self)
    {
        Note(domain, self);
        return 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnDevice(nint connection, nint domain, nint alias, nint self) => Note(domain, self);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnMetadata(nint connection, nint domain, int type, nint uri, nint self) => Note(domain, self);
}
