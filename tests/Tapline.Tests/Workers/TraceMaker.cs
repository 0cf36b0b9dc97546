// Traces of many small conversations, from a seed: enough of everything that sharing work between threads could get
// wrong (both directions, fragments, ICMP errors that quote another conversation, frames without IP, VLANs, reuse).
using Tapline.Tests.Support;

namespace Tapline.Tests.Workers;

/// <summary>Makes frames and capture files.</summary>
internal static class TraceMaker
{
    public static List<byte[]> Frames(int seed, int count)
    {
        var random = new Random(seed);
        var frames = new List<byte[]>(count);
        while (frames.Count < count)
        {
            frames.Add(Frame(random));
        }

        return frames;
    }

    public static byte[] File(IEnumerable<byte[]> frames, bool bigEndian = false)
    {
        var file = new CaptureBytes(bigEndian).PcapHeader();
        uint number = 0;
        foreach (var frame in frames)
        {
            file.PcapRecord(frame, 1_700_000_000 + (number / 1000), number % 1000 * 1000);
            number++;
        }

        return file.ToArray();
    }

    private static byte[] Frame(Random random)
    {
        var a = random.Next(1, 40);
        var b = random.Next(1, 40);
        var (x, y) = ($"10.0.0.{a}", $"10.0.1.{b}");
        var isBack = random.Next(2) == 0;
        var port = 1000 + random.Next(50);
        var link = new FrameBuilder().Ethernet();
        if (random.Next(8) == 0)
        {
            link = link.Vlan(random.Next(1, 5));
        }

        var flags = (TcpFlag)random.Next(32);
        return random.Next(10) switch
        {
            0 => new FrameBuilder().Ethernet().Arp().Build(),
            1 => link.Ipv4(isBack ? y : x, isBack ? x : y).Udp(isBack ? 53 : port, isBack ? port : 53).Payload(random.Next(200)).Build(),
            2 => link.Ipv6($"2001:db8::{a}", $"2001:db8::{b}").Tcp(port, 443, flags, seq: (uint)random.Next(100_000)).Payload(10).Build(),
            3 => link.Ipv4(x, "10.0.1.1", id: random.Next(4), more: true).Udp(port, 5000).Payload(64).Build(),
            4 => link.Ipv4(x, "10.0.1.1", id: random.Next(4), fragmentOffset: 72, protocol: 17).Payload(32).Build(),
            5 => link.Ipv4($"10.9.9.{random.Next(1, 9)}", x).Icmp(3, 1).Payload(Quoted(x, y, port)).Build(),
            _ => link.Ipv4(isBack ? y : x, isBack ? x : y)
                .Tcp(isBack ? 80 : port, isBack ? port : 80, flags, seq: (uint)random.Next(100_000), ack: (uint)random.Next(100_000))
                .Payload(random.Next(300)).Build(),
        };
    }

    private static byte[] Quoted(string source, string destination, int port)
    {
        var frame = new FrameBuilder().Ethernet().Ipv4(source, destination).Tcp(port, 80, TcpFlag.Ack).Build();
        return frame[14..];
    }
}
