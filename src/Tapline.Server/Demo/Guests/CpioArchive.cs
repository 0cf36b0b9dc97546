// Writes the archive that the kernel unpacks as a guest's first file system: "newc" of cpio(5), a 110-byte header of
// hexadecimal fields, the name, the bytes, each padded to four. In: paths and bytes. Out: one array. Any thread.
using System.Text;

namespace Tapline.Server.Demo.Guests;

/// <summary>A cpio archive under construction.</summary>
internal sealed class CpioArchive
{
    private const int DirectoryMode = 0x41ED; // S_IFDIR | 0755
    private const int ProgramMode = 0x81ED; // S_IFREG | 0755
    private readonly MemoryStream _bytes = new();
    private int _inode;

    public void AddDirectory(string path) => Add(path, DirectoryMode, []);

    public void AddProgram(string path, byte[] content) => Add(path, ProgramMode, content);

    /// <summary>Ends the archive; nothing may be added after.</summary>
    public byte[] ToArray()
    {
        Add("TRAILER!!!", 0, []);
        return _bytes.ToArray();
    }

    private void Add(string path, int mode, byte[] content)
    {
        int[] fields =
        [
            ++_inode, mode, 0, 0, 1, 0, content.Length, 0, 0, 0, 0, Encoding.UTF8.GetByteCount(path) + 1, 0,
        ];
        _bytes.Write(Encoding.ASCII.GetBytes("070701" + string.Concat(fields.Select(f => f.ToString("X8")))));
        _bytes.Write(Encoding.UTF8.GetBytes(path + "\0"));
        Pad();
        _bytes.Write(content);
        Pad();
    }

    private void Pad()
    {
        while (_bytes.Length % 4 != 0)
        {
            _bytes.WriteByte(0);
        }
    }
}
