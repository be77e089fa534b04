using Tiebreak.Numbers;

namespace Tiebreak.Evaluation;

/// <summary>Unmanaged memory for 64-bit numbers, counted by its users and returned to its pool with the last one.</summary>
sealed unsafe class NumberBuffer
{
    readonly BufferPool _pool;
    int _users = 1;

    internal NumberBuffer(BufferPool pool, long capacity)
    {
        _pool = pool;
        Capacity = capacity;
        Numbers = (ulong*)HugePages.Allocate((nuint)Math.Max(1, capacity) * sizeof(ulong));
    }

    public ulong* Numbers { get; }

    public long Capacity { get; }

    public void Retain() => _users++;

    public void Release()
    {
        if (--_users == 0) _pool.Return(this);
    }

    internal void Reuse() => _users = 1;

    internal void Free() => HugePages.Free(Numbers);
}

/// <summary>
/// Keeps freed buffers for the next node of a similar size: fresh pages cost about as much as the arithmetic done in them.
/// What lies idle is bounded, so that the peak stays near what a program needs at once.
/// </summary>
sealed class BufferPool(long idleLimit) : IDisposable
{
    readonly SortedDictionary<long, Stack<NumberBuffer>> _idle = [];
    readonly HashSet<NumberBuffer> _all = [];
    long _idleCount;

    public NumberBuffer Rent(long count)
    {
        foreach (var (capacity, buffers) in _idle)
        {
            if (capacity < count || buffers.Count == 0) continue;
            if (capacity > count + count / 4 + 64) break;
            var buffer = buffers.Pop();
            _idleCount -= capacity;
            buffer.Reuse();
            return buffer;
        }

        // What is idle did not fit; make room before taking more from the system.
        if (_idleCount + count > idleLimit) Clear();
        var fresh = new NumberBuffer(this, count);
        _all.Add(fresh);
        return fresh;
    }

    internal void Return(NumberBuffer buffer)
    {
        if (_idleCount + buffer.Capacity > idleLimit)
        {
            Free(buffer);
            return;
        }

        if (!_idle.TryGetValue(buffer.Capacity, out var buffers)) _idle.Add(buffer.Capacity, buffers = []);
        buffers.Push(buffer);
        _idleCount += buffer.Capacity;
    }

    void Clear()
    {
        foreach (var buffers in _idle.Values)
            foreach (var buffer in buffers) Free(buffer);
        _idle.Clear();
        _idleCount = 0;
    }

    void Free(NumberBuffer buffer)
    {
        _all.Remove(buffer);
        buffer.Free();
    }

    /// <summary>Frees everything, also what an interrupted evaluation still held.</summary>
    public void Dispose()
    {
        Clear();
        foreach (var buffer in _all) buffer.Free();
        _all.Clear();
    }
}
