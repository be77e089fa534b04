using System.Numerics;
using Parquet;
using Parquet.Data;
using Parquet.Schema;
using Tiebreak.Numbers;

namespace Tiebreak.Formats.Tables;

/// <summary>One column of a Parquet file while it is read: the values of the current row group, and those of the current block.</summary>
abstract class ParquetColumn(Table table, DataField field)
{
    static readonly Dictionary<Type, (bool IsInteger, Func<Table, DataField, ParquetColumn> Make)> Kinds = new()
    {
        [typeof(float)] = (false, (table, field) => new Typed<float>(table, field, isFloat: true, (column, at, value) => column.Set(at, (double)value))),
        [typeof(double)] = (false, (table, field) => new Typed<double>(table, field, isFloat: true, (column, at, value) => column.Set(at, value))),
        [typeof(bool)] = (true, (table, field) => new Typed<bool>(table, field, isFloat: false, (column, at, value) => column.Set(at, value ? 1L : 0))),
        [typeof(sbyte)] = (true, (table, field) => new Typed<sbyte>(table, field, isFloat: false, (column, at, value) => column.Set(at, (long)value))),
        [typeof(byte)] = (true, (table, field) => new Typed<byte>(table, field, isFloat: false, (column, at, value) => column.Set(at, (long)value))),
        [typeof(short)] = (true, (table, field) => new Typed<short>(table, field, isFloat: false, (column, at, value) => column.Set(at, (long)value))),
        [typeof(ushort)] = (true, (table, field) => new Typed<ushort>(table, field, isFloat: false, (column, at, value) => column.Set(at, (long)value))),
        [typeof(int)] = (true, (table, field) => new Typed<int>(table, field, isFloat: false, (column, at, value) => column.Set(at, (long)value))),
        [typeof(uint)] = (true, (table, field) => new Typed<uint>(table, field, isFloat: false, (column, at, value) => column.Set(at, (long)value))),
        [typeof(long)] = (true, (table, field) => new Typed<long>(table, field, isFloat: false, (column, at, value) => column.Set(at, value))),
        [typeof(ulong)] = (true, (table, field) => new Typed<ulong>(table, field, isFloat: false, (column, at, value) => column.Set(at, (BigInteger)value, 0))),
        [typeof(BigDecimal)] = (false, (table, field) => new Typed<BigDecimal>(table, field, isFloat: false, (column, at, value) => column.Set(at, value.UnscaledValue, value.Scale))),
    };

    double[]? _doubles;
    long[] _mantissas = [];
    short[]? _exponents;
    List<Rational>? _listed;

    /// <summary>Whether a column holds plain numbers.</summary>
    public static bool IsNumber(Field field) => field is DataField { IsArray: false, MaxRepetitionLevel: 0, MaxDefinitionLevel: <= 1 } data && Kinds.ContainsKey(data.ClrType);

    /// <summary>Whether a column holds whole numbers or booleans.</summary>
    public static bool IsInteger(Field field) => IsNumber(field) && Kinds[((DataField)field).ClrType].IsInteger;

    /// <summary>Begins to read a column of numbers.</summary>
    public static ParquetColumn Of(Table table, DataField field) => Kinds[field.ClrType].Make(table, field);

    /// <summary>Whether the numbers are floats.</summary>
    protected abstract bool IsFloat { get; }

    /// <summary>Reads the values of a row group.</summary>
    public abstract void Load(ParquetRowGroupReader group, long firstRow, CancellationToken cancellation);

    /// <summary>Copies values of the row group to the block.</summary>
    public abstract void Copy(int from, int at, int rows);

    /// <summary>Makes room for a block.</summary>
    public void Begin(int rows)
    {
        (_exponents, _listed) = (null, null);
        if (IsFloat && _doubles?.Length != rows) _doubles = new double[rows];
        if (!IsFloat && _mantissas.Length != rows) _mantissas = new long[rows];
    }

    /// <summary>The tensor of the block.</summary>
    public ExactTensor Take(long firstRow)
    {
        if (_doubles is null) return new DecimalTensor(_mantissas, _exponents, _listed);
        var at = Array.FindIndex(_doubles, value => !double.IsFinite(value));
        return at < 0 ? new DoubleTensor(_doubles) : throw Broken(firstRow + at, $"is {_doubles[at]}; only finite numbers can be computed with: replace it or drop the row");
    }

    /// <summary>An error in one value of this column.</summary>
    protected TiebreakException Broken(long row, string what) => table.Broken(row, $"column `{CsvLayout.Excerpt(field.Name)}`", what);

    void Set(int at, double value) => _doubles![at] = value;

    void Set(int at, long value) => _mantissas[at] = value;

    void Set(int at, BigInteger unscaled, int scale)
    {
        if (scale != 0 || unscaled > long.MaxValue || unscaled < long.MinValue) _exponents ??= new short[_mantissas.Length];
        if (unscaled <= long.MaxValue && unscaled >= long.MinValue)
        {
            _mantissas[at] = (long)unscaled;
            if (_exponents is not null) _exponents[at] = checked((short)-scale);
            return;
        }

        (_mantissas[at], _exponents![at]) = ((_listed ??= []).Count, DecimalTensor.Listed);
        _listed.Add(new Rational(unscaled, BigInteger.Pow(10, scale)));
    }

    sealed class Typed<T>(Table table, DataField field, bool isFloat, Action<ParquetColumn, int, T> set) : ParquetColumn(table, field) where T : struct
    {
        readonly DataField _field = field;
        T[] _values = [];
        int[] _levels = [];

        protected override bool IsFloat => isFloat;

        public override void Load(ParquetRowGroupReader group, long firstRow, CancellationToken cancellation)
        {
            var rows = (int)group.RowCount;
            if (group.GetMetadata(_field)?.MetaData?.NumValues != rows) throw new InvalidDataException($"column {_field.Name} has not as many values as rows");
            if (_values.Length != rows) _values = new T[rows];
            if (_field.MaxDefinitionLevel > 0 && _levels.Length != rows) _levels = new int[rows];
            Memory<int>? levels = null;
            if (_field.MaxDefinitionLevel > 0) levels = _levels.AsMemory();
            group.ReadRawAsync(_field, _values.AsMemory(), levels, null, cancellation).AsTask().GetAwaiter().GetResult();
            var missing = Array.FindIndex(_levels, level => level < _field.MaxDefinitionLevel);
            if (missing >= 0) throw Broken(firstRow + missing, "has no value (null); fill it in or drop the row");
        }

        public override void Copy(int from, int at, int rows)
        {
            for (var k = 0; k < rows; k++) set(this, at + k, _values[from + k]);
        }
    }
}
