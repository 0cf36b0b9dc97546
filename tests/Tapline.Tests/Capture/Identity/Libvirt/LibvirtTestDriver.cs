// libvirt's built-in test driver: invented machines inside this process, changed through the library's own calls.
using System.Runtime.InteropServices;
using Xunit;

namespace Tapline.Tests.Capture.Identity.Libvirt;

/// <summary>A writing connection to test:///default; skips the test where the library is not installed.</summary>
internal sealed partial class LibvirtTestDriver : IDisposable
{
    public const string Uri = "test:///default";
    private const string Library = "libvirt.so.0";
    private readonly nint _connection;

    public LibvirtTestDriver()
    {
        if (!NativeLibrary.TryLoad(Library, out _))
        {
            Assert.Skip("needs libvirt0: libvirt's client library");
        }

        _connection = ConnectOpen(Uri);
        Assert.NotEqual(0, _connection);
    }

    public void Define(string name, string uuid, string inside = "")
    {
        var domain = DomainDefine(_connection,
            $"<domain type='test'><name>{name}</name><uuid>{uuid}</uuid>{inside}<memory>1024</memory><os><type>hvm</type></os></domain>");
        Assert.NotEqual(0, domain);
        DomainFree(domain);
    }

    public void Start(string name) => With(name, DomainCreate);

    public void Stop(string name) => With(name, DomainDestroy);

    public void Undefine(string name) => With(name, DomainUndefine);

    public void Rename(string name, string other) => With(name, d => DomainRename(d, other, 0));

    public void Dispose() => ConnectClose(_connection);

    private void With(string name, Func<nint, int> act)
    {
        var domain = DomainLookup(_connection, name);
        Assert.NotEqual(0, domain);
        var result = act(domain);
        DomainFree(domain);
        Assert.True(result >= 0, Marshal.PtrToStringUTF8(LastErrorMessage()));
    }

    [LibraryImport(Library, EntryPoint = "virConnectOpen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint ConnectOpen(string uri);

    [LibraryImport(Library, EntryPoint = "virConnectClose")]
    private static partial int ConnectClose(nint connection);

    [LibraryImport(Library, EntryPoint = "virDomainDefineXML", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint DomainDefine(nint connection, string xml);

    [LibraryImport(Library, EntryPoint = "virDomainLookupByName", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint DomainLookup(nint connection, string name);

    [LibraryImport(Library, EntryPoint = "virDomainCreate")]
    private static partial int DomainCreate(nint domain);

    [LibraryImport(Library, EntryPoint = "virDomainDestroy")]
    private static partial int DomainDestroy(nint domain);

    [LibraryImport(Library, EntryPoint = "virDomainUndefine")]
    private static partial int DomainUndefine(nint domain);

    [LibraryImport(Library, EntryPoint = "virDomainRename", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int DomainRename(nint domain, string name, uint flags);

    [LibraryImport(Library, EntryPoint = "virDomainFree")]
    private static partial int DomainFree(nint domain);

    [LibraryImport(Library, EntryPoint = "virGetLastErrorMessage")]
    private static partial nint LastErrorMessage();
}
