using System.Numerics;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Tables;

/// <summary>One array while it is read.</summary>
interface INpyColumn : IDisposable
{
    /// <summary>The next samples, in order.</summary>
    ExactTensor Read(long firstRow, int rows);
}

/// <summary>One array while it is read, as doubles or as longs.</summary>
sealed class NpyColumn<T> : INpyColumn where T : unmanaged, INumberBase<T>
{
    readonly Table _table;
    readonly NpyArray _array;
    readonly Stream _stream;
    readonly int _sample;
    readonly byte[] _bytes = new byte[1 << 16];
    readonly T[] _whole = []; // all numbers of a scattered array, as they lie in the file
    readonly int[] _offsets = []; // where the numbers of the first sample lie in it
    T[] _values = [];

    public NpyColumn(Table table, NpyArray array)
    {
        (_table, _array) = (table, array);
        _sample = (int)array.Sample.Count;
        _stream = array.Open();
        try
        {
            NpyHeader.Fill(array.Place, _stream, _bytes.AsSpan(0, Math.Min(array.Header.Length, _bytes.Length)));
            if (array.Header.Length > _bytes.Length) NpyHeader.Fill(array.Place, _stream, new byte[array.Header.Length - _bytes.Length]);
            if (!array.IsScattered) return;
            _whole = new T[array.Rows * _sample];
            _offsets = FortranOffsets(array.Rows, array.Sample);
            Next(_whole);
        }
        catch
        {
            _stream.Dispose();
            throw;
        }
    }

    public ExactTensor Read(long firstRow, int rows)
    {
        if (_values.Length != rows * _sample) _values = new T[rows * _sample];
        if (!_array.IsScattered) Next(_values);
        else
            for (var k = 0; k < _values.Length; k++) _values[k] = _whole[firstRow + k / _sample + _offsets[k % _sample]];

        if (_values is double[] doubles)
        {
            CheckFinite(firstRow, doubles);
            return new DoubleTensor(doubles);
        }

        var whole = (long[])(object)_values;
        return _array.Header is { Kind: 'u', Bytes: 8 } && whole.AsSpan().ContainsAnyInRange(long.MinValue, -1) ? Unsigned(whole) : new DecimalTensor(whole);
    }

    public void Dispose() => _stream.Dispose();

    void Next(Span<T> values)
    {
        var most = _bytes.Length / _array.Header.Bytes;
        while (values.Length > 0)
        {
            var some = values[..Math.Min(most, values.Length)];
            var bytes = _bytes.AsSpan(0, some.Length * _array.Header.Bytes);
            NpyHeader.Fill(_array.Place, _stream, bytes);
            _array.Header.Convert(bytes, some);
            values = values[some.Length..];
        }
    }

    void CheckFinite(long firstRow, double[] values)
    {
        var sound = true;
        foreach (var value in values) sound &= double.IsFinite(value);
        if (sound) return;
        var at = Array.FindIndex(values, value => !double.IsFinite(value));
        var place = _sample == 1 ? "" : $"[{string.Join(',', Place(at % _sample, _array.Sample))}]";
        throw _table.Broken(firstRow + at / _sample, $"`{CsvLayout.Excerpt(_array.Name)}`{place}", $"is {values[at]}; only finite numbers can be computed with: replace it or drop the row");
    }

    // Numbers without sign that a long does not hold.
    static DecimalTensor Unsigned(long[] values)
    {
        var exponents = new short[values.Length];
        var listed = new List<Rational>();
        for (var k = 0; k < values.Length; k++)
        {
            if (values[k] >= 0) continue;
            listed.Add(new Rational((ulong)values[k], BigInteger.One));
            (values[k], exponents[k]) = (listed.Count - 1, DecimalTensor.Listed);
        }

        return new DecimalTensor(values, exponents, listed);
    }

    static int[] FortranOffsets(long rows, Shape sample)
    {
        var offsets = new int[sample.Count];
        for (var k = 0; k < offsets.Length; k++)
        {
            var stride = rows;
            var place = Place(k, sample);
            for (var axis = 0; axis < sample.Rank; stride *= sample[axis++]) offsets[k] += (int)(place[axis] * stride);
        }

        return offsets;
    }

    static int[] Place(int number, Shape shape)
    {
        var place = new int[shape.Rank];
        for (var axis = shape.Rank - 1; axis >= 0; number /= shape[axis--]) place[axis] = number % shape[axis];
        return place;
    }
}
