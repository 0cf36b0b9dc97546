// The format document's row tables are the structs' own layout, so they can't drift apart. UPDATE_GOLDEN=1 rewrites them.
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Tapline.Store;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Store;

public class SpoolDocumentTests
{
    [Fact]
    public void RowTablesAreTheStructsLayout()
    {
        var path = Path.Combine(RepositoryRoot.Path, "docs", "formats", "spool.md");
        var text = File.ReadAllText(path);
        var expected = text;
        expected = WithTable<FlowRecord>(expected);
        expected = WithTable<DirectionCounts>(expected);
        expected = WithTable<LedgerRecord>(expected);
        expected = WithTable<MirrorLedgerRecord>(expected);
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(path, expected);
            return;
        }

        Assert.Equal(expected, text);
    }

    private static string WithTable<T>(string text) where T : unmanaged
    {
        var name = typeof(T).Name;
        var marker = $"<!-- rows:{name} -->\n";
        var start = text.IndexOf(marker, StringComparison.Ordinal) + marker.Length;
        var end = text.IndexOf("<!-- end -->", start, StringComparison.Ordinal);
        Assert.True(start >= marker.Length && end >= start, marker);
        var table = new StringBuilder($"| `{name}`, {Unsafe.SizeOf<T>()} bytes | bytes | field |\n|---|---|---|\n");
        foreach (var field in typeof(T).GetFields(BindingFlags.Public | BindingFlags.Instance).OrderBy(OffsetOf<T>))
        {
            table.Append($"| {OffsetOf<T>(field)} | {SizeOf(field.FieldType)} | {Snake(field.Name)} |\n");
        }

        return text[..start] + table + text[end..];
    }

    private static long OffsetOf<T>(FieldInfo field) => Marshal.OffsetOf<T>(field.Name);

    private static int SizeOf(Type type) => type.IsEnum
        ? Marshal.SizeOf(Enum.GetUnderlyingType(type))
        : Marshal.SizeOf(type);

    private static string Snake(string name) => string.Concat(
        name.Select((c, i) => (i > 0 && char.IsUpper(c) ? "_" : "") + char.ToLowerInvariant(c)));
}
