using Tiebreak.Evaluation;
using Tiebreak.Formats;
using Tiebreak.Formats.Safetensors;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Tests.House;

namespace Tiebreak.Tests.Formats.Families;

/// <summary>A checkpoint of random float32 numbers in a folder of its own, and what its program computes.</summary>
sealed class ToyCheckpoint(int seed = 1) : IDisposable
{
    readonly TemporaryFolder _folder = new();
    readonly Random _random = new(seed);
    readonly List<string> _order = [];
    readonly Dictionary<string, (int[] Sizes, double[] Values)> _tensors = new(StringComparer.Ordinal);

    public string Path => _folder.Path;

    public string File(string name) => _folder.File(name);

    /// <summary>The values of a tensor; changes count when the checkpoint is saved.</summary>
    public double[] this[string name] => _tensors[name].Values;

    /// <summary>All tensors, in the order they were added.</summary>
    public IReadOnlyList<string> Names => _order;

    /// <summary>The sizes of a tensor.</summary>
    public int[] Sizes(string name) => _tensors[name].Sizes;

    public bool Has(string name) => _tensors.ContainsKey(name);

    /// <summary>Adds a tensor of random numbers.</summary>
    public ToyCheckpoint Add(string name, params int[] sizes)
    {
        _order.Add(name);
        _tensors[name] = (sizes, [.. Enumerable.Range(0, sizes.Aggregate(1, (product, size) => product * size)).Select(_ => (double)(float)(_random.NextDouble() * 1.6 - 0.8))]);
        return this;
    }

    /// <summary>Adds a dense layer, weights [outputs, inputs].</summary>
    public ToyCheckpoint Dense(string module, int inputs, int outputs, bool hasBias)
    {
        Add(module + ".weight", outputs, inputs);
        return hasBias ? Add(module + ".bias", outputs) : this;
    }

    /// <summary>Adds scale and shift.</summary>
    public ToyCheckpoint Norm(string module, int size) => Add(module + ".weight", size).Add(module + ".bias", size);

    /// <summary>The same tensors but those whose names begin so.</summary>
    public ToyCheckpoint Without(string start)
    {
        var rest = new ToyCheckpoint();
        foreach (var name in _order.Where(name => !name.StartsWith(start, StringComparison.Ordinal))) rest.Add(name, _tensors[name].Sizes);
        return rest;
    }

    /// <summary>Copies one slice along an axis over another.</summary>
    public void Copy(string name, int axis, int from, int to, int width = 1)
    {
        var (sizes, values) = _tensors[name];
        var inner = sizes.Skip(axis + 1).Aggregate(1, (product, size) => product * size);
        var outer = values.Length / (sizes[axis] * inner);
        for (var o = 0; o < outer; o++)
            for (var w = 0; w < width * inner; w++)
                values[(o * sizes[axis] + to * width) * inner + w] = values[(o * sizes[axis] + from * width) * inner + w];
    }

    /// <summary>Writes the configuration and the weights; the name of the file may be another.</summary>
    public ToyCheckpoint Save(string config, string file = "model.safetensors", string configFile = "config.json", SafetensorsType type = SafetensorsType.F32)
    {
        System.IO.File.WriteAllText(_folder.File(configFile), config);
        Write(file, _order, type);
        return this;
    }

    /// <summary>Writes the configuration, and the weights in two shards with an index.</summary>
    public ToyCheckpoint SaveShards(string config)
    {
        System.IO.File.WriteAllText(_folder.File("config.json"), config);
        string[][] parts = [[.. _order.Take(_order.Count / 2)], [.. _order.Skip(_order.Count / 2)]];
        string Name(int k) => $"model-{k + 1:D5}-of-{parts.Length:D5}.safetensors";
        for (var k = 0; k < parts.Length; k++) Write(Name(k), parts[k], SafetensorsType.F32);
        var map = parts.SelectMany((part, k) => part.Select(name => $"\"{name}\": \"{Name(k)}\""));
        System.IO.File.WriteAllText(_folder.File("model.safetensors.index.json"), $"{{\"metadata\": {{\"total_size\": 0}},\n\"weight_map\": {{{string.Join(", ", map)}}}}}\n");
        return this;
    }

    void Write(string file, IEnumerable<string> names, SafetensorsType type) =>
        SafetensorsWriter.Write(_folder.File(file), [.. names.Select(name => SafetensorsEntry.Of(name, type, new Shape(_tensors[name].Sizes), new DoubleTensor(_tensors[name].Values)))], new Dictionary<string, string> { ["format"] = "pt" });

    /// <summary>What the program of the checkpoint computes in float64; data leaves as given, by name.</summary>
    public Dictionary<string, double[]> Run(Dictionary<string, int> dims, Dictionary<string, double[]> data, bool dropout = false)
    {
        using var file = ModelFile.Open(Path);
        var model = file.Lower(new LoweringOptions { Dims = dims, Dropout = dropout });
        return FloatEvaluator.Evaluate(model.Program, node => node.Primitive switch
        {
            Primitive.Parameter parameter => _tensors[parameter.Name].Values,
            Primitive.Data leaf => data.TryGetValue(leaf.Name, out var given) ? given : throw new ArgumentException($"no data for {leaf.Name}"),
            _ => throw new ArgumentException("no leaf"),
        }).ToDictionary(output => output.Name, output => output.Values);
    }

    public void Dispose() => _folder.Dispose();
}
