using Tiebreak.Numbers;

namespace Tiebreak.Formats.Tables;

/// <summary>The numbers of one column of the current block.</summary>
sealed class DecimalColumn(int place, int rowsPerBlock)
{
    const int FirstCapacity = 4096;
    long[] _mantissas = new long[Math.Min(rowsPerBlock, FirstCapacity)];
    short[] _exponents = new short[Math.Min(rowsPerBlock, FirstCapacity)];
    List<Rational>? _listed;

    /// <summary>The field of the table.</summary>
    public int Field => place;

    /// <summary>Reads the number of a row; all rows of the block before have been read.</summary>
    public DecimalKind Read(ReadOnlySpan<char> text, int row)
    {
        if (row == _mantissas.Length) Resize((int)Math.Min(2L * row, rowsPerBlock));
        var kind = DecimalText.Parse(text, out _mantissas[row], out _exponents[row]);
        if (kind == DecimalKind.Long)
        {
            (_mantissas[row], _exponents[row]) = ((_listed ??= []).Count, DecimalTensor.Listed);
            _listed.Add(Rational.Parse(text.Trim()));
        }

        return kind;
    }

    /// <summary>The tensor of the first rows; the next block begins.</summary>
    public DecimalTensor Take(int rows)
    {
        if (rows < _mantissas.Length) Resize(rows); // the last block
        var tensor = new DecimalTensor(_mantissas, _exponents.AsSpan().ContainsAnyExcept((short)0) ? _exponents : null, _listed);
        _listed = null;
        return tensor;
    }

    void Resize(int capacity)
    {
        Array.Resize(ref _mantissas, capacity);
        Array.Resize(ref _exponents, capacity);
    }
}
