// The first file system of guests, field by field as cpio(5) has the "newc" format.
using System.Text;
using Tapline.Server.Demo.Guests;
using Xunit;

namespace Tapline.Tests.Server.Demo;

public class CpioArchiveTests
{
    private const int HeaderBytes = 110;

    [Fact]
    public void EntriesFollowEachOtherOnFourByteBoundaries()
    {
        var archive = new CpioArchive();
        archive.AddDirectory("bin");
        archive.AddProgram("bin/tool", [1, 2, 3, 4, 5]);
        archive.AddProgram("init", []);
        var bytes = archive.ToArray();

        var entries = Entries(bytes);
        Assert.Equal(["bin", "bin/tool", "init", "TRAILER!!!"], entries.Select(e => e.Name));
        Assert.Equal([0x41ED, 0x81ED, 0x81ED, 0], entries.Select(e => e.Mode)); // folder, file; rwxr-xr-x
        Assert.Equal([0, 5, 0, 0], entries.Select(e => e.Content.Length));
        Assert.Equal([1, 2, 3, 4, 5], entries[1].Content);
        Assert.Equal(4, entries.Select(e => e.Inode).Distinct().Count());
        Assert.Equal(0, bytes.Length % 4);
    }

    [Fact]
    public void ANameIsCountedInBytes()
    {
        var archive = new CpioArchive();
        archive.AddProgram("größe", [7]);
        var entry = Entries(archive.ToArray())[0];
        Assert.Equal(("größe", 7), (entry.Name, Assert.Single(entry.Content)));
    }

    private static List<(string Name, int Inode, int Mode, byte[] Content)> Entries(byte[] bytes)
    {
        var entries = new List<(string, int, int, byte[])>();
        for (var at = 0; at < bytes.Length;)
        {
            Assert.Equal("070701", Encoding.ASCII.GetString(bytes, at, 6));
            var (length, nameBytes) = (Field(bytes, at, 6), Field(bytes, at, 11));
            var name = Encoding.UTF8.GetString(bytes, at + HeaderBytes, nameBytes - 1);
            Assert.Equal(0, bytes[at + HeaderBytes + nameBytes - 1]);
            var content = (at + HeaderBytes + nameBytes + 3) & ~3;
            entries.Add((name, Field(bytes, at, 0), Field(bytes, at, 1), bytes[content..(content + length)]));
            at = (content + length + 3) & ~3;
        }

        return entries;
    }

    // Thirteen fields of eight hexadecimal digits: inode, mode, …, size, …, bytes of the name with its zero, check.
    private static int Field(byte[] bytes, int entry, int index) =>
        Convert.ToInt32(Encoding.ASCII.GetString(bytes, entry + 6 + (8 * index), 8), 16);
}
