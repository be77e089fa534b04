using System.Runtime.CompilerServices;
using Tiebreak.Programs;

namespace Tiebreak.Evaluation;

/// <summary>A loop over all elements of a shape and up to two strided operands, with neighbouring axes merged where all strides allow it.</summary>
readonly struct StridedLoop
{
    readonly int[] _sizes;
    readonly int[] _first;
    readonly int[] _second;

    public StridedLoop(Shape shape, int[] first, int[]? second = null)
    {
        second ??= first;
        var sizes = new List<int>();
        var a = new List<int>();
        var b = new List<int>();
        for (var axis = 0; axis < shape.Rank; axis++)
        {
            var size = shape[axis];
            if (size == 1) continue;
            if (sizes.Count > 0 && a[^1] == (long)first[axis] * size && b[^1] == (long)second[axis] * size)
            {
                sizes[^1] *= size;
                a[^1] = first[axis];
                b[^1] = second[axis];
            }
            else
            {
                sizes.Add(size);
                a.Add(first[axis]);
                b.Add(second[axis]);
            }
        }

        if (sizes.Count == 0)
        {
            sizes.Add(1);
            a.Add(0);
            b.Add(0);
        }

        (_sizes, _first, _second) = ([.. sizes], [.. a], [.. b]);
        Count = shape.Count;
    }

    public long Count { get; }

    public int Inner => _sizes[^1];

    public int FirstStride => _first[^1];

    public int SecondStride => _second[^1];

    /// <summary>Calls <paramref name="run"/> for each innermost run that meets elements [start, end).</summary>
    public void Visit<TRun>(long start, long end, TRun run) where TRun : struct, IRun
    {
        var inner = Inner;
        Span<int> index = stackalloc int[_sizes.Length];
        var row = start / inner;
        long first = 0, second = 0;
        for (var axis = _sizes.Length - 2; axis >= 0; axis--)
        {
            index[axis] = (int)(row % _sizes[axis]);
            row /= _sizes[axis];
            first += (long)index[axis] * _first[axis];
            second += (long)index[axis] * _second[axis];
        }

        for (var position = start; position < end;)
        {
            var skip = (int)(position % inner);
            var length = (int)Math.Min(inner - skip, end - position);
            run.Invoke(position, first + (long)skip * FirstStride, second + (long)skip * SecondStride, length);
            position += length;
            for (var axis = _sizes.Length - 2; axis >= 0; axis--)
            {
                first += _first[axis];
                second += _second[axis];
                if (++index[axis] < _sizes[axis]) break;
                first -= (long)_sizes[axis] * _first[axis];
                second -= (long)_sizes[axis] * _second[axis];
                index[axis] = 0;
            }
        }
    }
}

/// <summary>What is done with one innermost run of a <see cref="StridedLoop"/>.</summary>
interface IRun
{
    /// <param name="position">Row-major position of the run's first element.</param>
    /// <param name="first">Offset of that element in the first operand.</param>
    /// <param name="second">Offset of that element in the second operand.</param>
    /// <param name="length">Elements in the run.</param>
    void Invoke(long position, long first, long second, int length);
}

/// <summary>Spreads ranges of independent elements over the cores.</summary>
readonly struct Workers(int threads, CancellationToken cancellation)
{
    /// <summary>Below this many elements a second core costs more than it brings.</summary>
    const int Grain = 1 << 15;

    public int Threads { get; } = threads;

    public CancellationToken Cancellation { get; } = cancellation;

    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Share(long count, Action<long, long> body)
    {
        Cancellation.ThrowIfCancellationRequested();
        var parts = (int)Math.Min(Threads * 4L, (count + Grain - 1) / Grain);
        if (Threads <= 1 || parts <= 1)
        {
            body(0, count);
            return;
        }

        Parallel.For(0, parts, new ParallelOptions { MaxDegreeOfParallelism = Threads, CancellationToken = Cancellation }, part => body(count * part / parts, count * (part + 1) / parts));
    }
}
