// tshark as an independent witness of frames. It dissects only the protocols that it is asked about, so that a guess
// about a payload neither costs time nor changes the answer. Needs tshark on the path; skips without.
using System.ComponentModel;
using System.Diagnostics;
using Xunit;

namespace Tapline.Tests.Support;

/// <summary>Asks tshark for fields of each frame of a capture.</summary>
internal static class Tshark
{
    /// <summary>Link, network, transport and tunnel protocols.</summary>
    public static readonly string[] HeaderProtocols =
    [
        "ah", "arp", "cmd", "dccp", "erspan", "etherip", "eth", "pwethheuristic", "pwethnocw", "pwethcw", "ethertype", "frame",
        "geneve", "gre", "gtp", "icmp", "icmpv6", "ieee8021ad", "igmp", "ip", "ipv6", "ipv6.dstopts", "ipv6.fraghdr",
        "ipv6.hopopts", "ipv6.routing", "ipv6.routing.type.rt0", "ipv6.routing.type.srh", "ipv6.routing.type.mipv6", "llc",
        "mpls", "nsh", "ppp", "pppoe", "pppoes", "sctp", "tcp", "udp", "udplite", "vlan", "vxlan", "wccp",
    ];

    private static readonly string[] s_checks =
    [
        "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
        "-o", "tcp.desegment_tcp_streams:FALSE",
    ];

    /// <summary>For each frame the fields' values, all occurrences joined by '|'.</summary>
    /// <param name="capture">The file.</param>
    /// <param name="fields">Names of fields.</param>
    /// <param name="protocols">What is dissected; null = everything.</param>
    /// <param name="options">More options.</param>
    public static List<string[]> Fields(
        string capture, string[] fields, string[]? protocols = null, params string[] options)
    {
        using var folder = new TemporaryFolder();
        if (protocols is not null)
        {
            var all = Run(["-G", "protocols"], null).Select(line => line.Split('\t')[^1]);
            File.WriteAllLines(Path.Combine(folder.Path, "disabled_protos"), all.Except(protocols));
        }

        string[] arguments =
        [
            "-n", "-r", capture, .. s_checks, .. options, "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=|",
            .. fields.SelectMany(field => (string[])["-e", field]),
        ];
        return Run(arguments, folder.Path).Select(line => line.Split('\t')).ToList();
    }

    private static List<string> Run(string[] arguments, string? settings)
    {
        var info = new ProcessStartInfo("tshark", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (settings is not null)
        {
            info.Environment["WIRESHARK_CONFIG_DIR"] = settings;
        }

        try
        {
            using var process = Process.Start(info)!;
            var errors = process.StandardError.ReadToEndAsync();
            var lines = new List<string>();
            while (process.StandardOutput.ReadLine() is { } line)
            {
                lines.Add(line);
            }

            process.WaitForExit();
            Assert.True(process.ExitCode == 0, $"tshark failed: {errors.Result}");
            return lines;
        }
        catch (Win32Exception)
        {
            Assert.Skip("tshark is not installed: it is the witness here");
            return [];
        }
    }
}
