using System.Globalization;

namespace Tiebreak.Formats.Tables;

/// <summary>
/// Finds the columns of a table that supply a model's data, by name or as <c>--map</c> says: a leaf <c>x</c> of three numbers is a column <c>x</c> that holds three,
/// or the columns <c>x[0]</c>, <c>x[1]</c>, <c>x[2]</c>.
/// </summary>
public sealed class DataBinding
{
    readonly Table _table;
    readonly IReadOnlyDictionary<string, IReadOnlyList<string>> _map;
    readonly Dictionary<string, int> _fields = new(StringComparer.Ordinal);
    readonly Dictionary<string, int> _dims = new(StringComparer.Ordinal);
    readonly HashSet<int> _taken = [];

    /// <summary>Looks at the columns.</summary>
    public DataBinding(Table table, IReadOnlyDictionary<string, IReadOnlyList<string>> map)
    {
        (_table, _map) = (table, map);
        for (var k = 0; k < table.Fields.Count; k++) _fields.TryAdd(table.Fields[k].Name, k);
    }

    /// <summary>Free sizes that the table decides, by name.</summary>
    public IReadOnlyDictionary<string, int> Dims => _dims;

    /// <summary>Which columns are used.</summary>
    public IReadOnlyCollection<int> Taken => _taken;

    /// <summary>Refuses a <c>--map</c> of something that is no data of the model.</summary>
    /// <exception cref="TiebreakException">There is one.</exception>
    public void RequireKnown(IEnumerable<string> leaves)
    {
        var known = leaves.ToArray();
        foreach (var name in _map.Keys)
            if (!known.Contains(name, StringComparer.Ordinal))
                throw new TiebreakException($"--map {name}: the model has no data of that name; it has {Quoted(known)}");
    }

    /// <summary>The columns of one input whose sample has the given sizes; free ones are set from the table.</summary>
    /// <param name="input">The input.</param>
    /// <param name="others">Other inputs that wait for columns; a table with a single unused array serves the only one.</param>
    /// <exception cref="TiebreakException">There are none, or they do not fit; the message says what to map.</exception>
    public BoundInput Bind(DataInput input, int others)
    {
        var fields = Find(input.Name, [.. input.SampleDims]);
        if (fields is null && others == 0 && !_map.ContainsKey(input.Name) && _table.Fields.Count == 1 && _table.Fields[0].Shape.Rank > 0) fields = [0];
        if (fields is null) throw Missing(input.Name, Count(input.SampleDims));
        Resolve(input, fields);
        return Take(input.Name, fields, Count(input.SampleDims) ?? throw Undecided(input));
    }

    /// <summary>The columns of a target, by its own name or that of the output: one for each place (classes) or one for each number.</summary>
    /// <exception cref="TiebreakException">There are none, or they do not fit.</exception>
    public BoundInput BindTarget(string name, string output, long places, long numbers)
    {
        var fields = Find(name, null) ?? (_map.ContainsKey(name) ? null : Find(output, null));
        fields ??= Indexed(name) ?? Indexed(output);
        if (fields is null)
            throw new TiebreakException($"{_table.Path}: no column is named `{name}` or `{output}` for the loss's target; map it: --map {name}=COLUMN; there are {Columns()}");
        var width = Width(fields);
        if (width != places && width != numbers)
            throw new TiebreakException($"{_table.Path}: the target of a sample needs {(places == numbers ? $"{numbers} numbers" : $"{places} classes or {numbers} numbers")}, but {Quoted(fields.Select(field => _table.Fields[field].Name))} hold {width}; map it: --map {name}=COLUMNS");
        return Take(name, fields, width);
    }

    int[]? Find(string name, DataDim[]? dims)
    {
        if (_map.TryGetValue(name, out var columns))
        {
            return [.. columns.SelectMany(column => Named(name, column))];
        }

        if (_fields.TryGetValue(name, out var whole)) return [whole];
        if (dims is null || dims.Length == 0 || dims.Any(dim => dim.FreeName is not null && !_dims.ContainsKey(dim.FreeName))) return Indexed(name);
        int[] sizes = [.. dims.Select(dim => dim.FreeName is null ? dim.Size : _dims[dim.FreeName])];
        var fields = new List<int>();
        foreach (var index in Indices(sizes))
        {
            if (!_fields.TryGetValue($"{name}[{string.Join(",", index)}]", out var field) && !_fields.TryGetValue($"{name}[{string.Join(", ", index)}]", out field)) return Indexed(name);
            fields.Add(field);
        }

        return [.. fields];
    }

    // A column, or all whose names fit a pattern, in the table's order.
    int[] Named(string leaf, string column)
    {
        if (_fields.TryGetValue(column, out var field)) return [field];
        int[] fitting = column.AsSpan().ContainsAny('*', '?') ? [.. Enumerable.Range(0, _table.Fields.Count).Where(k => NameGlob.Matches(column, _table.Fields[k].Name))] : [];
        return fitting.Length > 0 ? fitting : throw Unknown(leaf, column);
    }

    // x[0], x[1], … as far as there are such columns.
    int[]? Indexed(string name)
    {
        var fields = new List<int>();
        while (_fields.TryGetValue(string.Create(CultureInfo.InvariantCulture, $"{name}[{fields.Count}]"), out var field)) fields.Add(field);
        return fields.Count > 0 ? [.. fields] : null;
    }

    static IEnumerable<int[]> Indices(int[] sizes)
    {
        const long Most = 1 << 20;
        if (sizes.Aggregate(1L, (product, size) => product * size) is 0 or > Most) yield break;
        var index = new int[sizes.Length];
        while (true)
        {
            yield return [.. index];
            var axis = sizes.Length - 1;
            while (axis >= 0 && ++index[axis] == sizes[axis]) index[axis--] = 0;
            if (axis < 0) yield break;
        }
    }

    // Free sizes: from an array with as many axes, or from the number of columns when only one is free.
    void Resolve(DataInput input, int[] fields)
    {
        var dims = input.SampleDims;
        var shape = fields.Length == 1 ? _table.Fields[fields[0]].Shape : default;
        if (fields.Length == 1 && shape.Rank == dims.Count)
        {
            for (var axis = 0; axis < dims.Count; axis++)
            {
                if (dims[axis].FreeName is { } name) Set(input, name, shape[axis]);
                else if (dims[axis].Size != shape[axis]) throw Misfit(input, fields, $"of shape {shape}");
            }

            return;
        }

        string[] free = [.. dims.Select(dim => dim.FreeName).OfType<string>().Where(name => !_dims.ContainsKey(name)).Distinct(StringComparer.Ordinal)];
        var width = Width(fields);
        if (free.Length == 1 && dims.Count(dim => dim.FreeName == free[0]) == 1)
        {
            var fixedCount = dims.Where(dim => dim.FreeName != free[0]).Aggregate(1L, (product, dim) => product * (dim.FreeName is null ? dim.Size : _dims[dim.FreeName]));
            if (fixedCount == 0 || width % fixedCount != 0) throw Misfit(input, fields, $"of {width} numbers");
            Set(input, free[0], (int)(width / fixedCount));
        }

        if (Count(dims) is { } count && count != width) throw Misfit(input, fields, $"of {width} {(width == 1 ? "number" : "numbers")}");
    }

    void Set(DataInput input, string name, int size)
    {
        if (_dims.TryGetValue(name, out var known) && known != size)
            throw new TiebreakException($"{_table.Path}: `{input.Name}` makes the size `{name}` {size}, and another column makes it {known}; they must agree");
        _dims[name] = size;
    }

    long? Count(IReadOnlyList<DataDim> dims)
    {
        long count = 1;
        foreach (var dim in dims)
        {
            if (dim.FreeName is { } name && !_dims.ContainsKey(name)) return null;
            count *= dim.FreeName is null ? dim.Size : _dims[dim.FreeName];
        }

        return count;
    }

    long Width(int[] fields) => fields.Sum(field => _table.Fields[field].Shape.Count);

    BoundInput Take(string name, int[] fields, long count)
    {
        foreach (var field in fields) _taken.Add(field);
        return new BoundInput(name, fields, count);
    }

    string Columns()
    {
        const int Most = 12;
        var names = _table.Fields.Select(field => field.Name).ToArray();
        return Quoted(names.Take(Most)) + (names.Length > Most ? $" and {names.Length - Most} more" : "");
    }

    static string Quoted(IEnumerable<string> names) => string.Join(", ", names.Select(name => $"`{name}`"));

    TiebreakException Unknown(string leaf, string column)
    {
        var nearest = NearestName.Find(column, _fields.Keys);
        return new TiebreakException($"{_table.Path}: --map {leaf}: there is no column `{column}`; {(nearest is null ? $"there are {Columns()}" : $"did you mean `{nearest}`?")}");
    }

    TiebreakException Missing(string leaf, long? count) =>
        new($"{_table.Path}: no columns for the data `{leaf}`{(count is { } n ? $" ({n} {(n == 1 ? "number" : "numbers")} a sample)" : "")}; map them: --map {leaf}=COLUMNS; there are {Columns()}");

    TiebreakException Misfit(DataInput input, int[] fields, string what) =>
        new($"{_table.Path}: `{input.Name}` takes {Sizes(input)} a sample, but {Quoted(fields.Take(4).Select(field => _table.Fields[field].Name))} is {what}; map others: --map {input.Name}=COLUMNS");

    TiebreakException Undecided(DataInput input) =>
        new($"{_table.Path}: the table does not decide the sizes of `{input.Name}` ({Sizes(input)}); give them with --dim NAME=SIZE");

    static string Sizes(DataInput input) => input.SampleDims.Count == 0 ? "one number" : $"[{string.Join(",", input.SampleDims.Select(dim => dim.FreeName ?? dim.Size.ToString(CultureInfo.InvariantCulture)))}]";

    /// <summary>Takes sizes that were given from elsewhere.</summary>
    public void Give(IReadOnlyDictionary<string, int> dims)
    {
        foreach (var (name, size) in dims) _dims[name] = size;
    }
}

/// <summary>An input and its columns.</summary>
/// <param name="Name">The input, or <c>target</c>.</param>
/// <param name="Fields">The columns in order, as places in the table's list.</param>
/// <param name="Count">How many numbers they hold for one sample.</param>
public sealed record BoundInput(string Name, IReadOnlyList<int> Fields, long Count);
