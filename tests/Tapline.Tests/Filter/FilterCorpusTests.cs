// Each expression selects of the real captures exactly the frames that tcpdump selects. The captures' Ethernet frames
// are put into one file by tcpdump itself, so that the witness reads what it wrote and runs once for each expression.
using System.Buffers.Binary;
using System.Diagnostics;
using Tapline.Base;
using Tapline.Filter;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Filter;

public sealed class FilterCorpusTests : IClassFixture<FilterCorpusTests.Corpus>
{
    private readonly Corpus _corpus;

    public FilterCorpusTests(Corpus corpus) => _corpus = corpus;

    public static TheoryData<string> Expressions =>
    [
        "ip", "ip6", "arp", "tcp", "udp", "icmp", "icmp6", "sctp", "not ip", "ip or ip6", "igmp", "rarp", "stp",
        "tcp port 80", "tcp dst port 443", "tcp src port 443", "udp port 53", "port 53", "portrange 1000-2000",
        "tcp portrange 8000-9000", "port http or port https", "udp portrange 16384-32767", "not port 22",
        "host 10.0.0.1", "src host 192.168.1.1", "dst net 10.0.0.0/8", "net 192.168.0.0/16", "src net 172.16.0.0/12",
        "host 127.0.0.1", "net fe80::/10", "host ::1", "ip6 net 2001:db8::/32", "ether broadcast", "ether multicast",
        "ip multicast", "ip6 multicast", "ether host ff:ff:ff:ff:ff:ff", "ether proto 0x88cc",
        "ether[0] & 1 = 0", "vlan", "vlan and ip", "vlan and vlan", "vlan 100", "not vlan", "mpls", "mpls and mpls",
        "mpls and ip", "pppoed", "pppoes", "pppoes and ip", "len > 1000", "greater 500", "less 64", "len = 60",
        "len > 100 and len <= 200", "ip[8] < 64", "ip[0] & 0xf > 5", "ip[6:2] & 0x1fff != 0", "ip[6] & 0x20 != 0",
        "ip[2:2] > 576", "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "tcp[tcpflags] == tcp-syn",
        "tcp[13] & 0x12 = 0x12", "tcp[tcpflags] & tcp-rst != 0", "tcp[14:2] = 0",
        "tcp and (ip[2:2] - ((ip[0]&0xf)<<2) - ((tcp[12]&0xf0)>>2)) != 0", "tcp[((tcp[12]&0xf0)>>2):4] = 0x47455420",
        "udp[4:2] > 100", "udp[8:2] & 0x8000 != 0", "icmp[icmptype] = icmp-echo", "icmp6 and ip6[40] = 135",
        "ip proto 47", "ip proto \\gre or ip proto 4 or ip proto 41", "ip6 proto 17", "esp or ah",
        "udp port 4789", "udp port 6081 or udp port 2152", "geneve", "geneve and ip", "vlan or mpls",
        "ether[12:2] < 1536", "llc", "iso", "(tcp or udp) and not (port 80 or port 443 or port 53)",
        "tcp and src port 5432 or dst port 5432", "ip and not tcp and not udp", "gateway 1.2.3.4 or port 123",
        "udp and len * 2 > 600", "ip[9] % 2 = 1", "ip[1] | ip[8] > 128", "ip[4:2] ^ 0xffff < 4096", "ip[8] / 2 = 32",
    ];

    [Theory]
    [MemberData(nameof(Expressions))]
    public void EachExpressionSelectsWhatTcpdumpSelects(string expression)
    {
        _corpus.NeedsAll();
        var expected = _corpus.Tcpdump(expression);
        var filter = CompiledFilter.Compile(expression, LinkType.Ethernet, out var error);
        if (expected is null)
        {
            Assert.True(filter is null, "tcpdump refuses the expression, Tapline takes it");
            return;
        }

        Assert.True(filter is not null, error);
        Assert.Equal(expected, _corpus.Count(filter));
    }

    /// <summary>All Ethernet frames of the captures in one file.</summary>
    public sealed class Corpus : IDisposable
    {
        private const int FileHeaderBytes = 24;
        private const int RecordHeaderBytes = 16;
        private readonly string _folder = Directory.CreateTempSubdirectory("tapline-filter-").FullName;
        private readonly byte[] _bytes = [];
        private readonly string? _reason;

        public Corpus()
        {
            var shared = RepositoryRoot.Shared is { } folder ? Path.Combine(folder, "corpus") : null;
            _reason = shared is null || !Directory.Exists(shared) ? "needs the captures in shared/corpus"
                : !ToolExists("tcpdump") ? "needs tcpdump: it is the witness"
                : null;
            if (_reason is null)
            {
                _bytes = Merge(shared!);
                File.WriteAllBytes(Merged, _bytes);
            }
        }

        private string Merged => Path.Combine(_folder, "all.pcap");

        public void NeedsAll()
        {
            if (_reason is not null)
            {
                Assert.Skip(_reason);
            }

            Assert.True(_bytes.Length > 10_000_000, "the captures hold more than this");
        }

        /// <summary>Frames that tcpdump selects; null when it refuses the expression.</summary>
        public long? Tcpdump(string expression)
        {
            var (exitCode, output) = Run("tcpdump", "-n", "--count", "-r", Merged, expression);
            return exitCode == 0 ? long.Parse(output.Split(' ')[0], null) : null;
        }

        /// <summary>Frames that the filter selects.</summary>
        public long Count(CompiledFilter filter)
        {
            var selected = 0L;
            for (var at = FileHeaderBytes; at < _bytes.Length;)
            {
                var meta = new FrameMeta
                {
                    LinkType = LinkType.Ethernet,
                    CapturedLength = BinaryPrimitives.ReadInt32LittleEndian(_bytes.AsSpan(at + 8)),
                    OriginalLength = BinaryPrimitives.ReadInt32LittleEndian(_bytes.AsSpan(at + 12)),
                };
                at += RecordHeaderBytes;
                selected += filter.Matches(meta, default, _bytes.AsSpan(at, meta.CapturedLength)) ? 1 : 0;
                at += meta.CapturedLength;
            }

            return selected;
        }

        public void Dispose() => Directory.Delete(_folder, recursive: true);

        private byte[] Merge(string corpus)
        {
            var all = new MemoryStream();
            foreach (var file in Directory.EnumerateFiles(corpus, "*.pcap*", SearchOption.AllDirectories).Order())
            {
                // A damaged capture gives the frames before the damage; a mixed one what tcpdump takes of it.
                var copy = Path.Combine(_folder, "one.pcap");
                File.Delete(copy);
                Run("tcpdump", "-r", file, "-w", copy);
                var bytes = File.Exists(copy) ? File.ReadAllBytes(copy) : [];
                if (bytes.Length >= FileHeaderBytes && BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(20)) == 1)
                {
                    all.Write(bytes.AsSpan(all.Length == 0 ? 0 : FileHeaderBytes));
                }
            }

            var merged = all.ToArray();
            BinaryPrimitives.WriteInt32LittleEndian(merged.AsSpan(16), 0x40000);
            return merged;
        }

        private static bool ToolExists(string tool) =>
            (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Concat(["/usr/sbin", "/usr/bin"])
            .Any(folder => File.Exists(Path.Combine(folder, tool)));

        private static (int ExitCode, string Output) Run(params string[] command)
        {
            var start = new ProcessStartInfo(command[0], command[1..])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using var process = Process.Start(start)!;
            var error = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            error.Wait();
            return (process.ExitCode, output);
        }
    }
}
