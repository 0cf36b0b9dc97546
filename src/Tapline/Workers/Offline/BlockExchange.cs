// Where offline workers meet: who reads next, which blocks are decoded, which are free. Blocks are numbered in file order;
// every owner walks all numbers in order, so each flow sees its frames in file order whoever decoded them. A worker
// prefers its own flows' frames over decoding more, which bounds what is in flight by the number of slots.
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Files;

namespace Tapline.Workers.Offline;

/// <summary>Shared state of a parallel analysis. One lock, taken a few times per block of thousands of frames.</summary>
internal sealed class BlockExchange : IDisposable
{
    private const int WaitMs = 20;
    private const int ReadTimeoutMs = 20;
    private const int SpinsMax = 200;
    private const int SpinIterations = 30;
    private readonly OfflineInput _input;
    private readonly BlockSlot[] _all;
    private readonly BlockSlot?[] _decoded;
    private readonly Stack<BlockSlot> _free;
    private readonly object _gate = new();
    private bool _isEnded;
    private bool _isStopped;
    private long _nextNumber;
    private long _turn;

    public BlockExchange(OfflineInput input, int workers)
    {
        _input = input;
        _all = new BlockSlot[workers * Limits.OfflineBlocksPerWorker];
        _decoded = new BlockSlot?[_all.Length];
        _free = new Stack<BlockSlot>(_all.Length);
        for (var i = 0; i < _all.Length; i++)
        {
            _all[i] = new BlockSlot(workers);
            _free.Push(_all[i]);
        }
    }

    /// <summary>What a worker is to do next.</summary>
    public enum Work
    {
        /// <summary>Follow the flows of the decoded block.</summary>
        Follow,

        /// <summary>Decode the block that was just read.</summary>
        Decode,

        /// <summary>The last block has been followed.</summary>
        End,
    }

    /// <summary>Gives a worker its next work; waits where there is none yet.</summary>
    /// <param name="next">Number of the block whose flows this worker follows next.</param>
    /// <param name="slot">The block.</param>
    /// <param name="number">The number of a block to decode.</param>
    public Work Take(long next, out BlockSlot slot, out long number)
    {
        var spins = 0;
        var claim = default(InputClaim);
        while (true)
        {
            lock (_gate)
            {
                number = next;
                if (_isStopped)
                {
                    slot = _all[0];
                    return Work.End;
                }

                if (_decoded[next % _decoded.Length] is { } ready && ready.Number == next)
                {
                    slot = ready;
                    return Work.Follow;
                }

                if (_isEnded && next == _nextNumber)
                {
                    slot = _all[0];
                    return Work.End;
                }

                slot = null!;
                if (!_isEnded && _free.Count > 0 && _input.TryClaim(out claim, out _isEnded))
                {
                    slot = _free.Pop();
                }
                else if (++spins > SpinsMax && !_isEnded)
                {
                    // What is missing is usually there in microseconds; a slow pipe is waited for properly.
                    Monitor.Wait(_gate, WaitMs);
                    spins = 0;
                }
            }

            if (slot is null)
            {
                Thread.SpinWait(SpinIterations);
                continue;
            }

            spins = 0;
            if (Read(slot, claim, out number))
            {
                return Work.Decode;
            }
        }
    }

    /// <summary>The slot's block is decoded: its owners may follow it.</summary>
    public void Publish(BlockSlot slot, long number)
    {
        lock (_gate)
        {
            slot.Number = number;
            _decoded[number % _decoded.Length] = slot;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>One owner has followed the slot; the last one frees it.</summary>
    public void Release(BlockSlot slot)
    {
        if (slot.ReleaseOne())
        {
            lock (_gate)
            {
                _decoded[slot.Number % _decoded.Length] = null;
                _free.Push(slot);
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>A worker failed: the others need not go on.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            Volatile.Write(ref _isStopped, true);
            Monitor.PulseAll(_gate);
        }
    }

    public void Dispose()
    {
        foreach (var slot in _all)
        {
            slot.Dispose();
        }
    }

    /// <summary>Reads outside the lock, several threads at once where the file allows it; marks frames one at a time.</summary>
    private bool Read(BlockSlot slot, in InputClaim claim, out long number)
    {
        if (claim.Offset >= 0)
        {
            claim.Reader.FillAhead(slot.Block, claim.Offset);
        }

        var wait = new SpinWait();
        while (Volatile.Read(ref _turn) != claim.Ticket)
        {
            if (Volatile.Read(ref _isStopped))
            {
                number = 0;
                return false;
            }

            wait.SpinOnce(sleep1Threshold: -1);
        }

        var result = _input.Complete(claim, slot.Block, ReadTimeoutMs);
        lock (_gate)
        {
            number = _nextNumber;
            _input.Settle(claim, result, result == LeaseResult.Frames ? slot.Block.Count : 0);
            if (result == LeaseResult.Frames)
            {
                _nextNumber++;
            }
            else
            {
                _free.Push(slot);
            }

            Volatile.Write(ref _turn, claim.Ticket + 1);
            Monitor.PulseAll(_gate);
            return result == LeaseResult.Frames;
        }
    }
}
