// Reads one kernel counter out of `ip -s -j link show`: stats64.rx.packets as "rx_packets" and so on.
using System.Text.Json;

namespace Tapline.Lab.Net;

/// <summary>The kernel's counters of one interface.</summary>
public static class LinkStatistics
{
    /// <summary><paramref name="counter"/> is `rx_` or `tx_` and a name of `ip -s -j link` (packets, bytes, dropped, errors).</summary>
    public static long Read(string ipJson, string counter)
    {
        using var document = JsonDocument.Parse(ipJson);
        var statistics = document.RootElement[0].GetProperty("stats64").GetProperty(counter[..2]);
        return statistics.GetProperty(counter[3..]).GetInt64();
    }
}
