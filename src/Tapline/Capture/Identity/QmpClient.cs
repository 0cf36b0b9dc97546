// Asks a running QEMU what its command line does not tell: name, UUID, and which NIC a tap device serves (NICs that were
// plugged in later). In: the process and its machine protocol socket. Out: its answers, or nothing. Three questions that change
// nothing: query-name, query-uuid, and `info network`.
// The socket takes one client at a time; when another has it there is no greeting, and we go on without within the time
// limit. The path comes from a command line, so we speak only to a socket that this very process listens on.
// Control threads; bounded in time and bytes; allocates.
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Tapline.Capture.Points;

namespace Tapline.Capture.Identity;

/// <summary>A client of QEMU's machine protocol.</summary>
internal static class QmpClient
{
    private const int TimeoutMs = 250;
    private const int AnswerBytesMax = 256 * 1024;
    private const int PathBytesMax = 107; // sockaddr_un of linux/un.h has 108 with the closing zero
    private const int SOL_SOCKET = 1; // asm-generic/socket.h
    private const int SO_PEERCRED = 17; // asm-generic/socket.h; struct ucred { pid, uid, gid }

    /// <summary>What the machine says of itself; silence when QEMU cannot be asked now.</summary>
    public static QmpMachine Ask(int process, string path)
    {
        // As the process sees the file system: it may live in a container.
        var seenFromHere = $"/proc/{process}/root{path}";
        if (Encoding.UTF8.GetByteCount(seenFromHere) > PathBytesMax || seenFromHere.Contains('\0'))
        {
            return QmpMachine.Silent;
        }

        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            // A full backlog refuses at once instead of waiting.
            socket.Blocking = false;
            socket.Connect(new UnixDomainSocketEndPoint(seenFromHere));
            return PeerOf(socket) == process ? Talk(socket) : QmpMachine.Silent;
        }
        catch (Exception problem) when (problem is SocketException or ArgumentException or JsonException
            or InvalidOperationException)
        {
            return QmpMachine.Silent;
        }
    }

    /// <summary>
    /// MACs by tap device from <c>info network</c>: a line for each NIC, its backend behind "\ " on the next (QEMU's net/net.c).
    /// </summary>
    public static Dictionary<string, ulong> Parse(string text)
    {
        var found = new Dictionary<string, ulong>();
        var mac = 0UL;
        foreach (var line in text.Split('\n'))
        {
            if (!line.StartsWith(" \\ ", StringComparison.Ordinal))
            {
                MacText.TryParse(ValueOf(line, "macaddr="), out mac);
            }
            else if (ValueOf(line, "ifname=") is { Length: > 0 } tap && mac != 0)
            {
                found.TryAdd(tap, mac);
            }
        }

        return found;
    }

    private static string ValueOf(string line, string key)
    {
        var at = line.IndexOf("," + key, StringComparison.Ordinal);
        return at < 0 ? "" : line[(at + 1 + key.Length)..].Split(',')[0].Trim();
    }

    private static int PeerOf(Socket socket)
    {
        Span<byte> credentials = stackalloc byte[12];
        socket.GetRawSocketOption(SOL_SOCKET, SO_PEERCRED, credentials);
        return System.Buffers.Binary.BinaryPrimitives.ReadInt32LittleEndian(credentials);
    }

    private static QmpMachine Talk(Socket socket)
    {
        const string InfoNetwork = """{"execute":"human-monitor-command","arguments":{"command-line":"info network"}}""";
        var deadline = Environment.TickCount64 + TimeoutMs;
        var pending = new List<byte>();
        if (ReadLine(socket, pending, deadline) is not { } greeting || !Has(greeting, "QMP", out _)
            || Command(socket, pending, deadline, """{"execute":"qmp_capabilities"}""") is null)
        {
            return QmpMachine.Silent;
        }

        var name = TextOf(Command(socket, pending, deadline, """{"execute":"query-name"}"""), "name");
        var uuid = TextOf(Command(socket, pending, deadline, """{"execute":"query-uuid"}"""), "UUID");
        var network = Command(socket, pending, deadline, InfoNetwork);
        return new QmpMachine(
            name,
            // QEMU says all zeros when nobody gave it a UUID.
            Guid.TryParse(uuid, out var number) && number != Guid.Empty ? uuid : "",
            network is { ValueKind: JsonValueKind.String } answer ? Parse(answer.GetString()!) : []);
    }

    private static string TextOf(JsonElement? answer, string member) =>
        answer is { ValueKind: JsonValueKind.Object } given && given.TryGetProperty(member, out var value)
            && value.ValueKind == JsonValueKind.String
            ? HostileText.Clean(value.GetString())
            : "";

    // Events may come before the answer.
    private static JsonElement? Command(Socket socket, List<byte> pending, long deadline, string command)
    {
        socket.Send(Encoding.ASCII.GetBytes(command + "\n"));
        while (ReadLine(socket, pending, deadline) is { } line)
        {
            if (Has(line, "return", out var value))
            {
                return value;
            }

            if (Has(line, "error", out _))
            {
                return null;
            }
        }

        return null;
    }

    private static bool Has(byte[] line, string member, out JsonElement value)
    {
        using var document = JsonDocument.Parse(line);
        value = default;
        if (document.RootElement.ValueKind != JsonValueKind.Object
            || !document.RootElement.TryGetProperty(member, out var found))
        {
            return false;
        }

        value = found.Clone();
        return true;
    }

    private static byte[]? ReadLine(Socket socket, List<byte> pending, long deadline)
    {
        var buffer = new byte[4096];
        while (true)
        {
            var end = pending.IndexOf((byte)'\n');
            if (end >= 0)
            {
                var line = pending.GetRange(0, end).ToArray();
                pending.RemoveRange(0, end + 1);
                return line;
            }

            var leftMs = deadline - Environment.TickCount64;
            if (leftMs <= 0 || pending.Count > AnswerBytesMax
                || !socket.Poll(TimeSpan.FromMilliseconds(leftMs), SelectMode.SelectRead))
            {
                return null;
            }

            var length = socket.Receive(buffer);
            if (length == 0)
            {
                return null;
            }

            pending.AddRange(buffer.AsSpan(0, length));
        }
    }
}
