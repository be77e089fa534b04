using global::Onnx;
using Google.Protobuf;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Tiebreak.Formats.Onnx.Rewriting;

/// <summary>
/// An ONNX model with some weights changed, byte for byte as it was elsewhere. Nothing is parsed and written anew but the few messages that cannot keep their form, so files beyond the two
/// gibibytes of a message can be rewritten like any others.
/// </summary>
sealed class OnnxRewriting
{
    readonly MappedFile _file;
    readonly WireIndex _index;
    readonly OnnxGraph _graph;
    readonly ExternalData _external;
    readonly List<FileEdit> _edits = [];
    readonly Dictionary<int, string> _owners = []; // place → the one source that stands there
    readonly ExternalRewriting _beside;

    OnnxRewriting(MappedFile file, WireIndex index, OnnxGraph graph, ExternalData external, StagedFiles files)
    {
        (_file, _index, _graph, _external) = (file, index, graph, external);
        _beside = new ExternalRewriting(file, index, external, files);
    }

    /// <summary>Writes the model.</summary>
    /// <param name="file">The file.</param>
    /// <param name="index">Its numbered index.</param>
    /// <param name="graph">The graph of that index.</param>
    /// <param name="external">Its external data.</param>
    /// <param name="files">Where to.</param>
    /// <param name="changes">What is different.</param>
    /// <exception cref="TiebreakException">A tensor cannot be changed where it stands, or a file cannot be written.</exception>
    public static void Write(MappedFile file, WireIndex index, OnnxGraph graph, ExternalData external, StagedFiles files, ModelChanges changes)
    {
        var rewriting = new OnnxRewriting(file, index, graph, external, files);
        foreach (var (name, change) in changes.Tensors) rewriting.Change(name, change);
        foreach (var name in changes.Dropped) rewriting.Drop(name);
        rewriting._edits.AddRange(rewriting._beside.Write());
        var edits = WireLengths.Adjusted(file, rewriting._edits);
        files.Write(files.Name, stream => FilePatch.Write(file, edits, stream, files.Cancellation));
    }

    /// <summary>The format of a source's numbers; null if there is no such source.</summary>
    public static FloatFormat? FormatOf(OnnxGraph graph, string name)
    {
        if (graph.AllInitializers.FirstOrDefault(tensor => tensor.Name == name) is { } initializer) return TensorReader.FormatOf((DataType)initializer.DataType);
        if (graph.AllNodes.FirstOrDefault(node => node.Output.Count == 1 && node.Output[0] == name) is not { } node) return null;
        return node.Attribute.FirstOrDefault(attribute => attribute.Name == "value")?.T is { } value ? TensorReader.FormatOf((DataType)value.DataType) : FloatFormat.Float32;
    }

    void Change(string name, ChangedTensor change)
    {
        var source = _graph.Sources.FirstOrDefault(source => source.Name == name) ?? throw Fail(name, "is no tensor of numbers");
        if (change.Values.Count != (change.Shape ?? source.Shape).Count) throw new ArgumentException($"{change.Values.Count} numbers for `{name}`");
        if (change.Values.Count == 0 && change.Shape is null) return;
        if (source.FromInitializer)
        {
            Change(_graph.AllInitializers.First(tensor => tensor.Name == name), name, source, change);
            return;
        }

        var node = _graph.AllNodes.First(node => node.Output.Count == 1 && node.Output[0] == name);
        if (node.OpType == "ConstantOfShape")
        {
            Unfold(node, name, source, change);
            return;
        }

        var attribute = node.Attribute.First(attribute => attribute.Name is "value" or "value_float" or "value_floats");
        if (attribute.Name == "value") Change(attribute.T, name, source, change);
        else if (change.Shape is { } shape && shape != source.Shape) throw Fail(name, "is a list in an attribute, whose size cannot be changed");
        else _edits.AddRange(StoredNumbers.OfField(_file, Claim(attribute.DocString, name), attribute.Name == "value_float" ? 2 : 7, FloatFormat.Float32, change.Values, name));
    }

    void Change(TensorProto tensor, string name, WeightSource source, ChangedTensor change)
    {
        var place = Claim(tensor.DocString, name);
        var format = TensorReader.FormatOf((DataType)tensor.DataType)!.Value;
        if (change.Shape is { } shape && shape != source.Shape) _edits.Add(Reshaped(place, format, shape, change.Values, name));
        else if (tensor.DataLocation == TensorProto.Types.DataLocation.External) _beside.Change(_external.Find(tensor, change.Values.Count * format.Size()), format, change.Values, name);
        else _edits.AddRange(StoredNumbers.OfTensor(_file, place, format, change.Values, name));
    }

    // A tensor of other sizes keeps its name, type and whatever else it says; its numbers become raw data.
    FileEdit Reshaped(WirePlace place, FloatFormat format, Shape shape, ExactTensor values, string name)
    {
        var kept = new List<byte>();
        foreach (var field in WireField.In(_file, place.Start, place.End))
            if (field.Number is not (1 or 4 or 5 or 9 or 10 or 13 or 14)) kept.AddRange(_file.Slice(field.Start, (int)(field.End - field.Start)));
        foreach (var size in shape.Sizes) kept.AddRange([1 << 3, .. WireField.Varint((ulong)size)]);
        var numbers = new NumberBytes(values, format, 0, values.Count);
        kept.AddRange(WireField.Opening(9, numbers.Length));
        return new FileEdit(place.Start, place.End, new JoinedBytes(new PlainBytes(kept.ToArray()), numbers), name);
    }

    // One number for all elements cannot be many: the node becomes a constant.
    void Unfold(NodeProto node, string name, WeightSource source, ChangedTensor change)
    {
        var place = Claim(node.DocString, name);
        var constant = NodeProto.Parser.ParseFrom(_file.Slice(place.Start, (int)(place.End - place.Start)));
        var format = FormatOf(_graph, name)!.Value;
        using var raw = new MemoryStream();
        new NumberBytes(change.Values, format, 0, change.Values.Count).WriteTo(raw, CancellationToken.None);
        var value = new TensorProto
        {
            DataType = (int)(format switch { FloatFormat.Float64 => DataType.Double, FloatFormat.Float16 => DataType.Float16, FloatFormat.BFloat16 => DataType.Bfloat16, _ => DataType.Float }),
            RawData = ByteString.CopyFrom(raw.GetBuffer(), 0, (int)raw.Length),
        };
        value.Dims.AddRange((change.Shape ?? source.Shape).Sizes.Select(size => (long)size));
        constant.OpType = "Constant";
        constant.Input.Clear();
        constant.Attribute.Clear();
        constant.Attribute.Add(new AttributeProto { Name = "value", Type = AttributeProto.Types.AttributeType.Tensor, T = value });
        _edits.Add(new FileEdit(place.Start, place.End, new PlainBytes(constant.ToByteArray()), name));
    }

    void Drop(string name)
    {
        var users = _graph.Uses.UsersOf(name).ToArray();
        var source = _graph.Sources.FirstOrDefault(source => source.Name == name) ?? throw Fail(name, "is no tensor of numbers");
        if (users is not [var (node, slot)] || !source.FromInitializer || _graph.Uses.AliasesOf(name).Any() || _graph.Proto.Input.Any(input => input.Name == name) || !(IsOptional(node, slot) || IsAddedAlong(node, slot, source)))
        {
            Change(name, new ChangedTensor(new UniformTensor(source.Shape.Count, Rational.Zero)));
            return;
        }

        var place = Claim(node.DocString, name);
        if (node.OpType == "Add")
        {
            var identity = NodeProto.Parser.ParseFrom(_file.Slice(place.Start, (int)(place.End - place.Start)));
            identity.OpType = "Identity";
            identity.Input.RemoveAt(slot);
            _edits.Add(new FileEdit(place.Start, place.End, new PlainBytes(identity.ToByteArray()), name));
        }
        else
        {
            var operand = WireField.In(_file, place.Start, place.End).Where(field => field.Number == 1).ElementAt(slot);
            _edits.Add(new FileEdit(operand.Start, operand.End, new PlainBytes(default), name));
        }

        var tensor = Claim(_graph.AllInitializers.First(tensor => tensor.Name == name).DocString, name);
        _edits.Add(new FileEdit(tensor.FieldStart, tensor.End, new PlainBytes(default), name));
    }

    /// <summary>Whether an addition is to what a matrix product makes, along its last axis, so that the sum has the shape that the product has.</summary>
    bool IsAddedAlong(NodeProto node, int slot, WeightSource source) =>
        OnnxGraph.DomainOf(node.Domain).Length == 0 && node.OpType == "Add" && source.Shape.Rank == 1
        && _graph.Uses.MakerOf(node.Input[1 - slot]) is { OpType: "MatMul" or "Gemm" } product && _graph.Initializers.TryGetValue(product.Input[1], out var weight)
        && weight.Shape.Rank == 2 && weight.Shape[product.OpType == "Gemm" && product.Attribute.Any(attribute => attribute.Name == "transB" && attribute.I != 0) ? 0 : 1] == source.Shape.Count;

    /// <summary>Whether an operator adds this operand to its result, and does without.</summary>
    static bool IsOptional(NodeProto node, int slot) =>
        OnnxGraph.DomainOf(node.Domain).Length == 0 && slot == 2 && node.Input.Count == 3 && node.OpType is "Conv" or "ConvTranspose" or "LayerNormalization" or "Gemm";

    // A function called twice has its weights once; two sources that stand in one place cannot be given two values.
    WirePlace Claim(string number, string name)
    {
        var place = int.Parse(number);
        if (_owners.TryGetValue(place, out var other) && other != name) throw Fail(name, $"and `{other}` are one tensor in a function that is called twice, so they cannot be given different numbers; inline it with onnx.inliner");
        _owners[place] = name;
        return _index.Places[place];
    }

    TiebreakException Fail(string name, string problem) => OnnxErrors.Tensor(_file.Path, name, problem);
}
