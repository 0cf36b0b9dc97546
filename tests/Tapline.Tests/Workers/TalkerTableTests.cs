// The table of addresses against a dictionary that nobody had to make fast.
using Tapline.Store;
using Tapline.Workers.Offline;
using Xunit;

namespace Tapline.Tests.Workers;

public class TalkerTableTests
{
    [Fact]
    public void SumsEqualThoseOfADictionaryWhateverTheSplit()
    {
        var random = new Random(5);
        var tables = new[] { new TalkerTable(), new TalkerTable() };
        var truth = new Dictionary<IpAddress16, (long Frames, long Sent, long Received, long Flows)>();
        for (var i = 0; i < 50_000; i++)
        {
            var address = IpAddress16.FromIpv4((uint)random.Next(20_000));
            tables[random.Next(2)].Add(address, i, 2 * i, 3, 1);
            var sum = truth.GetValueOrDefault(address);
            truth[address] = (sum.Frames + i, sum.Sent + (2 * i), sum.Received + 3, sum.Flows + 1);
        }

        tables[0].Add(tables[1]);
        Assert.Equal(truth.Count, tables[0].Count);
        var all = tables[0].Top(int.MaxValue);
        foreach (var talker in all)
        {
            Assert.Equal(truth[talker.Address], (talker.Frames, talker.SentBytes, talker.ReceivedBytes, talker.Flows));
        }

        Assert.Equal(all.OrderByDescending(t => t.Bytes).Select(t => t.Bytes), all.Select(t => t.Bytes));
        Assert.Equal(all.Take(7), tables[0].Top(7));
    }
}
